//! Whole-world copies, saved and put back.

use iolite_testkit::TestEmulator;
use serde_json::{Value, json};

use crate::plant::{GROUP, HUB_VERSION, Kind, marked};

#[tokio::test]
async fn a_snapshot_puts_everything_back_and_nothing_made_since_stays() {
    let emulator = marked().await;
    let hub = emulator.token("owner-app", "hub").await;
    let tags = json!({"tags": {"hall": 3}});
    let twin = format!("/twins/zeta-hub?{HUB_VERSION}");
    assert_eq!(emulator.call("PATCH", &twin, &hub, tags).await.status, 200);
    let before = emulator.call("GET", &twin, &hub, Value::Null).await.body;
    assert_eq!(emulator.control("POST", "/snapshots/before", Value::Null).await.status, 204);

    let tags = json!({"tags": {"hall": 4}});
    assert_eq!(emulator.call("PATCH", &twin, &hub, tags).await.status, 200);
    for (kind, name) in Kind::all() {
        kind.leave(&emulator, &emulator.origin_of(name), "later").await;
    }
    let arm = emulator.token("owner-app", "arm").await;
    let alpha = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/alpha-hub?api-version=2023-06-30");
    assert!(matches!(emulator.call("DELETE", &alpha, &arm, Value::Null).await.status, 200 | 202 | 204));

    assert_eq!(emulator.control("GET", "/snapshots", Value::Null).await.body, json!({"value": ["before"]}));
    let reply = emulator.control("POST", "/snapshots/before/restore", Value::Null).await;
    assert_eq!(reply.status, 204, "{}", reply.body);
    for (kind, name) in Kind::all() {
        let found = kind.found(&emulator, &emulator.origin_of(name)).await;
        assert_eq!(found, [kind.shown(name)], "{name}");
    }
    assert_eq!(emulator.call("GET", &twin, &hub, Value::Null).await.body, before);
}

#[tokio::test]
async fn a_snapshot_in_a_data_directory_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let start = || TestEmulator::start_with(|settings| settings.data_dir = Some(folder.path().to_owned()));
    let emulator = start().await;
    Kind::Hub.leave(&emulator, &emulator.origin(), "early").await;
    assert_eq!(emulator.control("POST", "/snapshots/kept", Value::Null).await.status, 204);
    Kind::Hub.leave(&emulator, &emulator.origin(), "late").await;
    emulator.shutdown().await;
    let emulator = start().await;
    assert_eq!(Kind::Hub.found(&emulator, &emulator.origin()).await, ["early", "late"]);
    assert_eq!(emulator.control("POST", "/snapshots/kept/restore", Value::Null).await.status, 204);
    assert_eq!(Kind::Hub.found(&emulator, &emulator.origin()).await, ["early"]);
    emulator.shutdown().await;
    let emulator = start().await;
    assert_eq!(Kind::Hub.found(&emulator, &emulator.origin()).await, ["early"], "what was put back is kept as well");
}

#[tokio::test]
async fn a_snapshot_that_there_is_not_and_a_name_that_is_a_path_are_refused() {
    let emulator = TestEmulator::start().await;
    let missing = emulator.control("POST", "/snapshots/nothing/restore", Value::Null).await;
    assert_eq!(missing.status, 404);
    assert!(missing.body["error"]["message"].as_str().unwrap().contains("`nothing`"), "{}", missing.body);
    for name in ["..", "a.b", "%2e%2e%2fready", "name%20with"] {
        let reply = emulator.control("POST", &format!("/snapshots/{name}"), Value::Null).await;
        assert_eq!(reply.status, 400, "{name}: {}", reply.body);
    }
}
