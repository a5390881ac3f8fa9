//! Addresses that a resource does not let in, whatever they show.

use serde_json::{Map, Value, json};

use super::*;
use crate::{Entrance, admits};

fn properties(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Door {
    /// The same at the provisioning service's two APIs or at a Digital Twins instance.
    fn visited_elsewhere(&self, operation: &'static Operation, resource: &Resource) -> Authentication {
        let mut request = request("/registrations/reg1", &[("id", "reg1")]);
        request.client.address = Some("127.0.0.1".parse().unwrap());
        let presented = Presented::new(Credential::None, None);
        self.identity.authenticate(&presented, Visit { operation, resource, request: &request })
    }

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

#[test]
fn a_provisioning_service_s_rule_closes_the_api_that_it_names() {
    let door = Door::new();
    for (target, by_service, by_device) in
        [("all", true, true), ("serviceApi", true, false), ("deviceApi", false, true)]
    {
        let rule = json!({"filterName": "no", "action": "Reject", "ipMask": "0.0.0.0/0", "target": target});
        door.world.put_provisioning_service(|service| {
            service.other_properties = properties(&json!({"ipFilterRules": [rule]}));
        });
        let service = door.provisioning_service();
        for (operation, closed) in [(&ENROLLMENTS, by_service), (&REGISTER, by_device)] {
            let found = door.visited_elsewhere(operation, &service);
            let expected = if closed { Reason::AddressNotAllowed } else { Reason::NoCredential };
            assert_eq!(reason(&found), Some(expected), "{target}");
            let detail = found.outcome.unwrap_err().detail;
            assert!(!closed || detail == "the IP filter rule `no` of contoso-dps rejects 127.0.0.1", "{detail}");
        }
    }
}

#[test]
fn without_public_access_neither_provisioning_nor_twins_are_reached() {
    let door = Door::new();
    let off = properties(&json!({"publicNetworkAccess": "Disabled"}));
    door.world.put_provisioning_service(|service| service.other_properties = off.clone());
    let service = door.provisioning_service();
    let twins = |other_properties| {
        let instance = iolite_resources::TwinsInstance {
            id: iolite_kernel::Scope::resource("s", "g", iolite_resources::TwinsInstance::TYPE, "contoso-twins"),
            location: "westeurope".to_owned(),
            tags: std::collections::BTreeMap::new(),
            host_name: "contoso-twins.api.weu.digitaltwins.azure.net".to_owned(),
            identity: None,
            created_at: in_an_hour(),
            changed_at: in_an_hour(),
            other_properties,
        };
        Resource::Twins(iolite_store::Versioned { revision: 1, value: Arc::new(instance) })
    };
    for (operation, resource) in [(&ENROLLMENTS, &service), (&REGISTER, &service), (&TWINS, &twins(off.clone()))] {
        let found = door.visited_elsewhere(operation, resource);
        assert_eq!(reason(&found), Some(Reason::PublicAccessDisabled), "{}", operation.service);
        assert_eq!(failed(&found), [CheckKind::Network]);
    }
    let on = properties(&json!({"publicNetworkAccess": "Enabled"}));
    assert_eq!(reason(&door.visited_elsewhere(&TWINS, &twins(on))), Some(Reason::NoCredential));
}
