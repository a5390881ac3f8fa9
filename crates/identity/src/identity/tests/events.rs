//! The Event Hubs-compatible endpoint: which tokens are for an entity, and that no other credential is.

use super::*;

const PARTITION: [&str; 5] = ["contoso-hub", "ConsumerGroups", "$Default", "Partitions", "0"];

fn visited(door: &Door, presented: &Presented, path: &[&str]) -> Authentication {
    let request = request("/", &[]);
    let hub = door.world.estate.hub("contoso-hub").unwrap();
    let visit = EventsVisit { hub: &hub, path, own_policy: None, request: &request };
    door.identity.authenticate_at_events(presented, visit)
}

fn presented(sr: &str) -> Presented {
    let text = Secret::new(sign(sr, &key(20), in_an_hour(), Some("service")));
    Presented::new(Credential::SharedAccessSignature(text), None)
}

#[test]
fn a_token_covers_its_entity_and_what_lies_below_it() {
    let door = Door::new();
    for (sr, covers) in [
        ("sb://localhost/contoso-hub", true),
        ("sb://localhost:5672/Contoso-Hub/consumergroups/$Default", true),
        ("sb://localhost/contoso-hub/ConsumerGroups/$Default/Partitions/0", true),
        ("sb://localhost/", true),
        ("sb://localhost/contoso-hub/ConsumerGroups/$Default/Partitions/0/more", false),
        ("sb://localhost/other", false),
        ("sb://localhost/contoso", false),
        ("sb://localhost/contoso-hub/consumergroups/other", false),
        ("localhost/contoso-hub", false),
    ] {
        let found = visited(&door, &presented(sr), &PARTITION);
        assert_eq!(found.outcome.is_ok(), covers, "{sr}");
    }
    let narrow = presented("sb://localhost/contoso-hub/ConsumerGroups/$Default");
    assert_eq!(reason(&visited(&door, &narrow, &["contoso-hub", "$management"])), Some(Reason::ResourceMismatch));
}

#[test]
fn an_entra_token_is_refused_and_so_is_nothing() {
    let door = Door::new();
    let bearer = Presented::new(Credential::Bearer(Secret::new("a.b.c")), None);
    assert_eq!(reason(&visited(&door, &bearer, &PARTITION)), Some(Reason::EntraNotAccepted));
    assert_eq!(reason(&visited(&door, &Presented::default(), &PARTITION)), Some(Reason::NoCredential));
}

#[test]
fn the_switch_turns_policies_off_there_too() {
    let door = Door::new();
    door.world.put_hub(|hub| hub.disable_local_auth = true);
    let found = visited(&door, &presented("sb://localhost/contoso-hub"), &PARTITION);
    assert_eq!(reason(&found), Some(Reason::LocalAuthDisabled));
}
