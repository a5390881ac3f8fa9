//! The world put back as at start.

use serde_json::{Value, json};

use crate::plant::{GROUP, Kind, marked};

const VERSION: &str = "api-version=2023-06-30";

#[tokio::test]
async fn a_reset_puts_the_world_back_at_the_origins_that_it_had() {
    for seed in ["world", "empty"] {
        let emulator = marked().await;
        let arm = emulator.token("owner-app", "arm").await;
        let hub = |name: &str| format!("{GROUP}/providers/Microsoft.Devices/IotHubs/{name}?{VERSION}");
        let body = json!({"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}});
        assert!(matches!(emulator.call("PUT", &hub("made-hub"), &arm, body).await.status, 200 | 201));
        let change = json!({"properties": {"disableLocalAuth": true}});
        assert_eq!(emulator.call("PATCH", &hub("alpha-hub"), &arm, change).await.status, 200);
        assert!(matches!(emulator.call("DELETE", &hub("beta-hub"), &arm, Value::Null).await.status, 200 | 202 | 204));
        emulator.advance_clock(7200).await;

        let reply = emulator.control("POST", &format!("/reset?seed={seed}"), Value::Null).await;
        assert_eq!(reply.status, 204, "{}", reply.body);
        let clock = emulator.control("GET", "/clock", Value::Null).await.body;
        assert_eq!(clock["offsetSeconds"], if seed == "world" { 0 } else { 7200 }, "seed={seed}");
        for (kind, name) in Kind::all() {
            let found = kind.found(&emulator, &emulator.origin_of(name)).await;
            assert_eq!(found, [""; 0], "seed={seed}: {name} still has what it had");
            kind.leave(&emulator, &emulator.origin_of(name), "again").await;
            assert_eq!(kind.found(&emulator, &emulator.origin_of(name)).await, [kind.shown("again")]);
        }
        let arm = emulator.token("owner-app", "arm").await;
        assert_eq!(emulator.call("GET", &hub("made-hub"), &arm, Value::Null).await.status, 404);
        let alpha = emulator.call("GET", &hub("alpha-hub"), &arm, Value::Null).await.body;
        assert_ne!(alpha["properties"]["disableLocalAuth"], true, "seed={seed}: {alpha}");
    }
}

/// Nothing is made at a moment that is yet to come.
#[tokio::test]
async fn a_reset_that_puts_the_clock_back_makes_the_world_by_that_clock() {
    let emulator = marked().await;
    emulator.advance_clock(7200).await;
    assert_eq!(emulator.control("POST", "/reset?seed=world", Value::Null).await.status, 204);
    let arm = emulator.token("owner-app", "arm").await;
    let assigned = format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    let listed = emulator.call("GET", &assigned, &arm, Value::Null).await;
    let now = emulator.control("GET", "/clock", Value::Null).await.body;
    let now = now["now"].as_str().unwrap();
    let made: Vec<_> = listed.body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["properties"]["createdOn"].as_str().unwrap())
        .collect();
    assert!(!made.is_empty() && made.iter().all(|made| made[..19] <= now[..19]), "{now}: {made:?}");
}

#[tokio::test]
async fn a_seed_that_there_is_not_is_refused_and_changes_nothing() {
    let emulator = marked().await;
    let reply = emulator.control("POST", "/reset?seed=everything", Value::Null).await;
    assert_eq!(reply.status, 400);
    assert!(reply.body["error"]["message"].as_str().unwrap().contains("`world` or `empty`"), "{}", reply.body);
    assert_eq!(Kind::Hub.found(&emulator, &emulator.origin()).await, ["zeta-hub"]);
}
