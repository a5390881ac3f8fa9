//! Row J5: what is remembered of a token, and when it is not believed any more.

use super::*;

#[test]
fn j5_a_retired_key_is_believed_inside_the_overlap_and_never_after_it() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.ring.rotate(fixture::second(), SignedDuration::from_secs(60));
    assert_eq!(reason_at(&verifier, HUB, &token), None, "inside the overlap");
    assert_eq!(reason_at(&verifier, HUB, &token), None, "and remembered");
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownKey));
    assert_eq!(reason_at(&verifier, HUB, &fixture::second().sign_token(&claims()).unwrap()), None);
}

#[test]
fn j5_a_remembered_token_is_forgotten_when_its_key_is_taken_away() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.ring.rotate(fixture::second(), SignedDuration::ZERO);
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownKey));
}

#[test]
fn j5_a_principal_that_is_disabled_or_gone_is_refused_at_once() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.put_principal(APP, "reader-app", false);
    let found = verifier.authenticate(&Presented::default(), &Secret::new(token.as_str()), HUB);
    assert_eq!(found.outcome.unwrap_err().reason, Reason::UnknownPrincipal);
    let last = found.checks.last().unwrap();
    assert!(last.kind == CheckKind::Principal && !last.passed);
    assert_eq!(found.checks.iter().filter(|check| check.kind == CheckKind::Principal).count(), 1);
    world.put_principal(APP, "reader-app", true);
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    for oid in [json!("0f1e2d3c-0000-4000-8000-00000000ffff"), json!(GROUP), json!(7), json!(""), Value::Null] {
        let token = mint(&claims_with("oid", oid.clone()));
        assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownPrincipal), "{oid}");
    }
}

#[test]
fn j5_a_remembered_token_follows_the_clock_both_ways() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.clock.advance(SignedDuration::from_secs(3600 + 300));
    assert_eq!(reason_at(&verifier, HUB, &token), None, "the last second");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::Expired));
    world.clock.set(Timestamp::from_second(NOW - 300).unwrap());
    assert_eq!(reason_at(&verifier, HUB, &token), None, "the first second");
    world.clock.advance(SignedDuration::from_secs(-1));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::NotYetValid));
}

#[test]
fn j5_a_remembered_token_opens_no_other_services_door() {
    let verifier = verifier(&World::new());
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    let twins = Door { service: Service::Twins, ..HUB };
    assert_eq!(reason_at(&verifier, twins, &token), Some(Reason::WrongAudience));
    assert_eq!(reason_at(&verifier, HUB, &token), None);
}

#[test]
fn a_remembered_token_brings_its_checks_and_the_directory_as_it_is_now() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = Secret::new(mint(&claims()));
    let first = verifier.authenticate(&Presented::default(), &token, HUB);
    world.put_principal(APP, "renamed-app", true);
    let second = verifier.authenticate(&Presented::default(), &token, HUB);
    assert!(Arc::ptr_eq(&first.checks, &second.checks), "the checks are shared");
    assert_eq!(second.outcome.unwrap().display_name(), "renamed-app");
}

#[test]
fn j5_a_token_that_a_connection_shows_again_is_judged_as_it_stands_then() {
    let world = World::new();
    let verifier = verifier(&world);
    let (token, shown) = (Secret::new(mint(&claims())), Presented::default());
    let reason = |door| verifier.authenticate(&shown, &token, door).outcome.err().map(|rejection| rejection.reason);
    assert_eq!([reason(HUB), reason(HUB)], [None, None]);
    assert_eq!(reason(Door { service: Service::Twins, ..HUB }), Some(Reason::WrongAudience));
    assert_eq!(reason(HUB), None);
    world.put_principal(APP, "reader-app", false);
    assert_eq!(reason(HUB), Some(Reason::UnknownPrincipal));
    world.put_principal(APP, "reader-app", true);
    assert_eq!(reason(HUB), None);
    world.clock.advance(SignedDuration::from_secs(3901));
    assert_eq!(reason(HUB), Some(Reason::Expired));
    world.clock.advance(SignedDuration::from_secs(-3901));
    world.ring.rotate(fixture::second(), SignedDuration::ZERO);
    assert_eq!(reason(HUB), Some(Reason::UnknownKey));
}
