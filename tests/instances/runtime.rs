//! Resources that are made through Resource Manager while the emulator runs.

use iolite_testkit::{Reply, TestEmulator};
use serde_json::{Value, json};

use crate::plant::{GROUP, Kind, WORLD, call_on, marked};

const MADE: [(Kind, &str, &str, &str); 3] = [
    (Kind::Hub, "Microsoft.Devices/IotHubs/made-hub", "2023-06-30", "hostName"),
    (Kind::Dps, "Microsoft.Devices/provisioningServices/made-dps", "2022-12-12", "serviceOperationsHostName"),
    (Kind::Twins, "Microsoft.DigitalTwins/digitalTwinsInstances/made-twins", "2023-01-31", "hostName"),
];

async fn arm(emulator: &TestEmulator, method: &str, resource: &str, version: &str, body: Value) -> Reply {
    let token = emulator.token("owner-app", "arm").await;
    emulator.call(method, &format!("{GROUP}/providers/{resource}?api-version={version}"), &token, body).await
}

/// Makes a resource, and gives the origin that Resource Manager says it has.
async fn make(emulator: &TestEmulator, resource: &str, version: &str, host: &str) -> String {
    let body = json!({"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}});
    let made = arm(emulator, "PUT", resource, version, body).await;
    assert!(matches!(made.status, 200 | 201), "{} {}", made.status, made.body);
    let found = arm(emulator, "GET", resource, version, Value::Null).await;
    assert_eq!(found.status, 200, "{}", found.body);
    format!("https://{}", found.body["properties"][host].as_str().unwrap())
}

fn name(resource: &str) -> &str {
    resource.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_resource_made_at_runtime_answers_at_an_origin_of_its_own_and_to_its_name() {
    let emulator = marked().await;
    for (kind, resource, version, host) in MADE {
        let origin = make(&emulator, resource, version, host).await;
        assert!(Kind::all().all(|(_, name)| emulator.origin_of(name) != origin), "{origin} is another's");
        assert_eq!(kind.found(&emulator, &origin).await, [""; 0], "a new resource is empty");
        kind.leave(&emulator, &origin, name(resource)).await;
        assert_eq!(kind.found(&emulator, &origin).await, [kind.shown(name(resource))]);
    }
    let told = emulator.control("GET", "/ready-file", Value::Null).await.body;
    for (list, (_, resource, ..)) in ["iot_hubs", "provisioning_services", "digital_twins"].into_iter().zip(MADE) {
        let names: Vec<&Value> = told[list].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
        assert!(names.contains(&&json!(name(resource))), "{names:?} has no {resource}");
    }
    for (kind, name) in Kind::all() {
        assert_eq!(kind.found(&emulator, &emulator.origin_of(name)).await, [kind.shown(name)], "{name} is as it was");
    }
    let token = emulator.token("owner-app", "hub").await;
    let mut session = emulator.client().connect_as(&emulator.origin(), "made-hub.azure-devices.net").await.unwrap();
    let (method, target, body) = Kind::Hub.list();
    assert_eq!(Kind::Hub.marks(&call_on(&mut session, method, &target, &token, &body).await), ["made-hub"]);
}

#[tokio::test]
async fn a_resource_that_is_deleted_stops_answering_and_comes_back_empty() {
    let emulator = marked().await;
    for (kind, resource, version, host) in MADE {
        let origin = make(&emulator, resource, version, host).await;
        kind.leave(&emulator, &origin, "one").await;
        let deleted = arm(&emulator, "DELETE", resource, version, Value::Null).await;
        assert!(matches!(deleted.status, 200 | 202 | 204), "{} {}", deleted.status, deleted.body);
        assert_eq!(arm(&emulator, "GET", resource, version, Value::Null).await.status, 404);
        let reply = kind.ask(&emulator, &origin).await;
        assert!(matches!(reply.status, 400..500), "{resource} is gone and answers {} {}", reply.status, reply.body);
        let origin = make(&emulator, resource, version, host).await;
        assert_eq!(kind.found(&emulator, &origin).await, [""; 0], "{resource} has what the one before had");
    }
    let emulator_of = |name: &str| emulator.origin_of(name);
    assert_eq!(Kind::Hub.found(&emulator, &emulator_of("zeta-hub")).await, ["zeta-hub"]);
}

#[tokio::test]
async fn a_resource_made_at_runtime_is_there_after_a_restart_and_in_the_ready_file() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("plant.toml");
    std::fs::write(&world, WORLD).unwrap();
    let start = || {
        TestEmulator::start_with(|settings| {
            settings.data_dir = Some(folder.path().join("state"));
            settings.world = Some(world.clone());
        })
    };
    let emulator = start().await;
    for (kind, resource, version, host) in MADE {
        let origin = make(&emulator, resource, version, host).await;
        kind.leave(&emulator, &origin, "kept").await;
    }
    emulator.shutdown().await;
    let emulator = start().await;
    for (kind, resource, ..) in MADE {
        let found = kind.found(&emulator, &emulator.origin_of(name(resource))).await;
        assert_eq!(found, [kind.shown("kept")], "{resource}");
    }
    assert_eq!(emulator.ready()["iot_hubs"][0]["name"], "zeta-hub", "the first is still the first");
}
