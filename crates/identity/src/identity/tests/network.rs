//! Addresses that a hub does not let in, whatever they show.

use serde_json::{Map, Value, json};

use super::*;
use crate::{Entrance, admits};

fn properties(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Door {
    fn visited_from(&self, address: Option<&str>) -> Authentication {
        let (resource, mut request) = (self.hub(), request("/devices/dev1", &[("id", "dev1")]));
        request.client.address = address.map(|address| address.parse().unwrap());
        let presented = Presented::new(sas(signed("localhost", 10, Some("iothubowner"))), None);
        self.identity.authenticate(&presented, Visit { operation: &READ, resource: &resource, request: &request })
    }
}

#[test]
fn a_rejected_address_is_refused_before_its_credential_is_looked_at() {
    let door = Door::new();
    let rule = json!({"ipFilterRules": [{"filterName": "no", "action": "Reject", "ipMask": "127.0.0.0/8"}]});
    door.world.put_hub(|hub| hub.other_properties = properties(&rule));
    let found = door.visited_from(Some("127.0.0.1"));
    assert_eq!(reason(&found), Some(Reason::AddressNotAllowed));
    assert_eq!(failed(&found), [CheckKind::Network]);
    assert_eq!(found.outcome.unwrap_err().detail, "the IP filter rule `no` of contoso-hub rejects 127.0.0.1");
    assert_eq!(reason(&door.visited_from(Some("10.0.0.1"))), None);
    assert_eq!(reason(&door.visited_from(None)), None, "the emulator itself has no address");
}

#[test]
fn a_hub_without_public_access_lets_nobody_in() {
    let door = Door::new();
    let off = json!({"publicNetworkAccess": "Disabled"});
    door.world.put_hub(|hub| hub.other_properties = properties(&off));
    assert_eq!(reason(&door.visited_from(Some("::1"))), Some(Reason::PublicAccessDisabled));
}

#[test]
fn rules_that_cannot_be_read_let_nobody_in() {
    let door = Door::new();
    let wrong = json!({"ipFilterRules": "10.0.0.0/8"});
    door.world.put_hub(|hub| hub.other_properties = properties(&wrong));
    assert_eq!(reason(&door.visited_from(Some("10.0.0.1"))), Some(Reason::AddressNotAllowed));
}

#[test]
fn the_built_in_endpoint_is_closed_where_the_rules_say_so() {
    let door = Door::new();
    for (applies, expected) in [(false, None), (true, Some(Reason::AddressNotAllowed))] {
        let set = json!({"networkRuleSets": {"applyToBuiltInEventHubEndpoint": applies, "ipRules": []}});
        door.world.put_hub(|hub| hub.other_properties = properties(&set));
        let hub = door.world.estate.hub("contoso-hub").unwrap();
        let found = admits(&hub, Entrance::Events, Some("127.0.0.1".parse().unwrap()));
        assert_eq!(found.err().map(|rejection| rejection.reason), expected);
    }
}
