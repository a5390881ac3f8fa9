//! Several provisioning services, each linked to a hub of its own.

use iolite_testkit::{Credential, Reply, TestEmulator};
use serde_json::{Value, json};

use crate::plant::{DPS_VERSION, HUB_VERSION};

const WORLD: &str = r#"
name = "linked"

[tenant]
id = "c0ffee00-0000-4000-8000-000000000001"
domain = "contoso.example"

[[subscriptions]]
id = "c0ffee00-0000-4000-8000-000000000002"
name = "Contoso"

[[resource_groups]]
name = "plant"

[[iot_hubs]]
name = "hub-a"
resource_group = "plant"

[[iot_hubs]]
name = "hub-b"
resource_group = "plant"

[[provisioning_services]]
name = "dps-a"
resource_group = "plant"
links = [{ hub = "hub-a", by = "connection-string" }]

[[provisioning_services]]
name = "dps-b"
resource_group = "plant"
links = [{ hub = "hub-b", by = "connection-string" }]

[[principals]]
name = "owner-app"
kind = "service-principal"
roles = [
  { role = "IoT Hub Data Contributor", scope = "group:plant" },
  { role = "Device Provisioning Service Data Contributor", scope = "group:plant" },
]
"#;

/// An emulator of that world, with the same registration id enrolled at both services.
async fn linked() -> TestEmulator {
    let emulator = TestEmulator::start_world(WORLD).await;
    let owner = emulator.token("owner-app", "dps").await;
    let body = json!({"registrationId": "press", "attestation": {"type": "symmetricKey", "symmetricKey": {}}});
    for service in ["dps-a", "dps-b"] {
        let target = format!("/enrollments/press?{DPS_VERSION}");
        let made = at(&emulator, service, "PUT", &target, &owner, body.clone()).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
    emulator
}

/// Calls a resource at its own origin.
async fn at(emulator: &TestEmulator, name: &str, method: &str, target: &str, who: &Credential, body: Value) -> Reply {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    emulator.client().send(method, &format!("{}{target}", emulator.origin_of(name)), who, &[], bytes).await
}

/// Registers with the id scope and the key of `service`, at the origin of `origin`.
async fn register(emulator: &TestEmulator, service: &str, origin: &str) -> Reply {
    let scope = emulator.entry(service)["id_scope"].as_str().unwrap();
    let sas = emulator.sas(json!({"dps": service, "registration": "press"})).await;
    let target = format!("/{scope}/registrations/press/register?{DPS_VERSION}");
    at(emulator, origin, "PUT", &target, &sas, json!({"registrationId": "press"})).await
}

#[tokio::test]
async fn each_provisioning_service_makes_devices_in_its_own_hub() {
    let emulator = linked().await;
    let owner = emulator.token("owner-app", "hub").await;
    let target = format!("/devices/press?{HUB_VERSION}");
    for (service, statuses) in [("dps-a", (200, 404)), ("dps-b", (200, 200))] {
        let accepted = register(&emulator, service, service).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let there = async |name| at(&emulator, name, "GET", &target, &owner, Value::Null).await.status;
        assert_eq!((there("hub-a").await, there("hub-b").await), statuses, "{service}");
    }
}

#[tokio::test]
async fn the_shared_origin_leads_a_registration_by_its_id_scope_and_another_origin_refuses_it() {
    let emulator = linked().await;
    let by_scope = register(&emulator, "dps-b", "dps-a").await;
    assert_eq!(by_scope.status, 202, "the first service's origin is the shared one: {}", by_scope.body);
    let owner = emulator.token("owner-app", "hub").await;
    let made = at(&emulator, "hub-b", "GET", &format!("/devices/press?{HUB_VERSION}"), &owner, Value::Null).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let astray = register(&emulator, "dps-a", "dps-b").await;
    assert!(matches!(astray.status, 401 | 404), "{} {}", astray.status, astray.body);
}
