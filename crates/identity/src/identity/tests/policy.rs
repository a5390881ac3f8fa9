//! Rows S2 and S3 at the door: policies, expiry and keys.

use super::*;

#[test]
fn a_policys_key_tells_the_policy_and_which_key_it_was() {
    let door = Door::new();
    for (byte, means) in [(10, KeyMeans::PrimaryKey), (11, KeyMeans::SecondaryKey)] {
        let found = door.read(signed("localhost", byte, Some("iothubowner")));
        let Caller::Policy(caller) = &*found.outcome.unwrap() else { panic!("not a policy") };
        assert_eq!((caller.policy.as_str(), caller.means, caller.expires_at), ("iothubowner", means, in_an_hour()));
        assert!(caller.rights.contains(Right::RegistryRead));
        assert!(found.checks.iter().all(|check| check.passed));
    }
}

#[test]
fn s2_a_token_that_has_run_out_is_refused_after_five_minutes() {
    let door = Door::new();
    let token = signed("localhost", 10, Some("iothubowner"));
    door.world.clock.advance(SignedDuration::from_secs(3600 + 300));
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.clock.advance(SignedDuration::from_secs(1));
    let found = door.read(token);
    assert_eq!(reason(&found), Some(Reason::Expired));
    assert_eq!(failed(&found), [CheckKind::Expiry]);
}

#[test]
fn s2_a_malformed_token_is_refused_before_any_key_is_tried() {
    let door = Door::new();
    let good = signed("localhost", 10, Some("iothubowner"));
    for token in [
        good.replace("&se=", "&se=x"),
        format!("{good}&x=1"),
        format!("{good}&skn=service"),
        good.replace("sr=", "sx="),
    ] {
        let found = door.read(token);
        assert_eq!(reason(&found), Some(Reason::Malformed));
        assert_eq!(found.checks.last().unwrap().kind, CheckKind::Form);
    }
    assert_eq!(reason(&door.read(format!("{good}{}", " ".repeat(20_000)))), Some(Reason::TooLarge));
}

#[test]
fn s3_a_policy_must_exist_and_its_own_key_must_have_signed() {
    let door = Door::new();
    let by = |byte, policy| reason(&door.read(signed("localhost", byte, policy)));
    assert_eq!(by(10, Some("nobody")), Some(Reason::UnknownPolicy));
    assert_eq!(by(10, Some("IotHubOwner")), Some(Reason::UnknownPolicy), "names have case");
    assert_eq!(by(10, None), Some(Reason::UnknownPolicy), "a service API wants a policy");
    assert_eq!(by(10, Some("service")), Some(Reason::BadSignature), "another policy's key");
    assert_eq!(by(12, Some("iothubowner")), Some(Reason::BadSignature), "nobody's key");
    assert_eq!(by(50, None), Some(Reason::UnknownPolicy), "a device's key at a service API");
}

#[test]
fn s3_a_changed_key_counts_at_once() {
    let door = Door::new();
    let token = signed("localhost", 10, Some("iothubowner"));
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.put_hub(|hub| hub.policies[0].primary_key = key(99));
    assert_eq!(reason(&door.read(token.clone())), Some(Reason::BadSignature));
    door.world.put_hub(|hub| drop(hub.policies.remove(0)));
    assert_eq!(reason(&door.read(token)), Some(Reason::UnknownPolicy));
}

#[test]
fn s3_a_policy_speaks_for_devices_only_with_the_right_to() {
    let door = Door::new();
    for resource in ["localhost", "localhost/devices", "localhost/devices/dev1"] {
        let found = door.send("dev1", signed(resource, 30, Some("device")));
        let Caller::Device(caller) = &*found.outcome.unwrap() else { panic!("not a device") };
        assert_eq!(caller.policy.as_deref(), Some("device"));
    }
    let found = door.send("dev1", signed("localhost", 20, Some("service")));
    assert_eq!(reason(&found), Some(Reason::PolicyLacksRight));
    assert_eq!(failed(&found), [CheckKind::Right]);
    let other = signed("localhost/devices/dev2", 30, Some("device"));
    assert_eq!(reason(&door.send("dev1", other)), Some(Reason::ResourceMismatch));
    let all = signed("localhost/devices", 30, Some("device"));
    assert_eq!(reason(&door.send("nobody", all.clone())), Some(Reason::UnknownDevice));
    assert_eq!(reason(&door.send("dev10", all.clone())), Some(Reason::DeviceDisabled));
    assert_eq!(reason(&door.send_as_module("module-host", "m1", all)), None);
}

#[test]
fn who_used_a_policy_lately_is_known_and_who_was_refused_is_not() {
    let door = Door::new();
    let hub = door.hub().scope();
    assert_eq!(reason(&door.read(signed("localhost", 20, Some("service")))), None);
    assert_eq!(reason(&door.read(signed("localhost", 20, Some("service")))), None);
    assert_eq!(reason(&door.send("dev1", signed("localhost", 30, Some("device")))), None);
    assert_eq!(reason(&door.send("dev1", signed("localhost/devices/dev1", 50, None))), None);
    assert!(reason(&door.read(signed("localhost", 99, Some("iothubowner")))).is_some());
    let seen: Vec<(String, u64)> =
        door.identity.recent_sas_use(&hub).into_iter().map(|each| (each.policy, each.count)).collect();
    assert_eq!(seen, [("device".to_owned(), 1), ("service".to_owned(), 2)]);
    assert!(door.identity.recent_sas_use(&ResourceId::root()).is_empty());
}

#[test]
fn s3_a_signature_shown_again_is_verified_again_and_keeps_its_evidence() {
    let door = Door::new();
    let token = signed("localhost/devices", 10, Some("iothubowner"));
    let [first, second] = [door.read(token.clone()), door.read(token.clone())];
    assert_eq!(first, second);
    assert!(Arc::ptr_eq(&first.checks, &second.checks));
    let uses = |door: &Door| door.identity.recent_sas_use(&door.world.estate.hub("contoso-hub").unwrap().id)[0].count;
    assert_eq!(uses(&door), 2, "each use counts");
    let elsewhere = door.visit(&READ, "/twins/dev1", &[("id", "dev1")], sas(token.clone()));
    assert_eq!(reason(&elsewhere), Some(Reason::ResourceMismatch));
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.put_hub(|hub| hub.policies.retain(|policy| policy.key_name != "iothubowner"));
    assert_eq!(reason(&door.read(token.clone())), Some(Reason::UnknownPolicy), "the policy is gone");
    door.world.put_hub(|hub| hub.disable_local_auth = true);
    assert_eq!(failed(&door.read(token.clone())), [CheckKind::Switch]);
    door.world.put_hub(|_| {});
    assert_eq!(reason(&door.read(token.clone())), None);
    door.world.clock.advance(SignedDuration::from_secs(3901));
    assert_eq!(failed(&door.read(token)), [CheckKind::Expiry]);
}
