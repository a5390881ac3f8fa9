//! Devices that register themselves.

use super::*;

#[test]
fn a_registration_is_attested_by_its_enrolments_key() {
    let door = Door::new();
    let found = door.register("reg1", registration_token("reg1", &key(91)));
    let Caller::Registrant(caller) = &*found.outcome.unwrap() else { panic!("not a registrant") };
    assert_eq!((caller.enrollment.as_str(), caller.group, caller.means), ("reg1", false, KeyMeans::SecondaryKey));
    let derived = derive_group_key(&key(94), "fleet-7").unwrap();
    let found = door.register("fleet-7", registration_token("fleet-7", &derived));
    let Caller::Registrant(caller) = &*found.outcome.unwrap() else { panic!("not a registrant") };
    assert_eq!((caller.registration_id.as_str(), caller.enrollment.as_str(), caller.group), ("fleet-7", "fleet", true));
}

#[test]
fn a_registration_that_does_not_fit_is_refused_for_what_is_wrong() {
    let door = Door::new();
    let derived = derive_group_key(&key(94), "fleet-7").unwrap();
    let named = |resource: &str, policy| sign(resource, &key(90), in_an_hour(), policy);
    let own = format!("{ID_SCOPE}/registrations/reg1");
    for (id, token, expected) in [
        ("nobody", registration_token("nobody", &key(90)), Reason::NoEnrollment),
        ("reg2", registration_token("reg2", &key(92)), Reason::EnrollmentDisabled),
        ("reg1", registration_token("reg1", &key(92)), Reason::BadSignature),
        ("fleet-7", registration_token("fleet-7", &key(94)), Reason::BadSignature),
        ("fleet-8", registration_token("fleet-8", &derived), Reason::BadSignature),
        ("reg1", registration_token("reg10", &key(90)), Reason::ResourceMismatch),
        ("reg1", named(&format!("{ID_SCOPE}/registrations"), Some("registration")), Reason::ResourceMismatch),
        ("reg1", named(ID_SCOPE, Some("registration")), Reason::ResourceMismatch),
        ("reg1", named("0ne00000000/registrations/reg1", Some("registration")), Reason::ResourceMismatch),
        ("reg1", named(&own, Some("provisioningserviceowner")), Reason::UnknownPolicy),
        ("reg1", named(&own, None), Reason::UnknownPolicy),
    ] {
        assert_eq!(reason(&door.register(id, token)), Some(expected), "{id}: {expected:?}");
    }
    let token = registration_token("reg1", &key(90));
    door.world.clock.advance(SignedDuration::from_secs(3901));
    assert_eq!(reason(&door.register("reg1", token)), Some(Reason::Expired));
}
