//! Row H7: what a caller must not reach or set, and what is not served beyond this machine.

use iolite_server::{Emulator, Ports, Settings};
use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};

#[tokio::test]
async fn a_device_reaches_itself_and_nobody_else() {
    let ground = Ground::prepare().await;
    ground.call("PUT", &format!("/devices/mine?{VERSION}"), json!({"deviceId": "mine"})).await;
    ground
        .call("PUT", &format!("/devices/mine/modules/m?{VERSION}"), json!({"deviceId": "mine", "moduleId": "m"}))
        .await;
    let device = ground.emulator.sas(json!({"device": "mine"})).await;
    let module = ground.emulator.sas(json!({"device": "mine", "module": "m"})).await;
    for (credential, method, path, own) in [
        (&device, "GET", "/devices/mine/messages/deviceBound", true),
        (&device, "GET", "/devices/known/messages/deviceBound", false),
        (&device, "POST", "/devices/known/files", false),
        (&module, "POST", "/devices/mine/modules/m/messages/events", true),
        (&module, "GET", "/devices/mine/messages/deviceBound", false),
        (&device, "GET", "/devices/mine", false),
        (&device, "GET", "/devices", false),
        (&device, "GET", "/twins/mine", false),
        (&device, "POST", "/devices/query", false),
        (&device, "DELETE", "/devices/known", false),
    ] {
        let reply = ground.emulator.call(method, &format!("{path}?{VERSION}"), credential, Value::Null).await;
        assert_eq!(reply.status == 401, !own, "{method} {path}: {} {}", reply.status, reply.body);
    }
    ground.is_unharmed_but(&["mine"]).await;
}

#[tokio::test]
async fn what_the_service_keeps_is_not_taken_from_a_body() {
    let ground = Ground::prepare().await;
    let target = format!("/devices/assigned?{VERSION}");
    let body = json!({
        "deviceId": "assigned", "generationId": "1", "etag": "x", "connectionState": "Connected",
        "lastActivityTime": "2030-01-01T00:00:00Z", "statusUpdatedTime": "2030-01-01T00:00:00Z",
        "cloudToDeviceMessageCount": 50, "connectionStateUpdatedTime": "2030-01-01T00:00:00Z",
    });
    let made = ground.call("PUT", &target, body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_ne!(made.body["generationId"], "1");
    assert_ne!(made.body["etag"], "x");
    assert_eq!(made.body["connectionState"], "Disconnected");
    assert_eq!(made.body["cloudToDeviceMessageCount"], 0);
    assert!(made.body["lastActivityTime"].as_str().unwrap().starts_with("0001-01-01"));

    let twin = format!("/twins/assigned?{VERSION}");
    let before = ground.call("GET", &twin, Value::Null).await.body;
    let change = json!({"version": 99, "connectionState": "Connected", "properties": {
        "desired": {"$version": 99, "$metadata": {"a": 1}, "a": 1}, "reported": {"a": 1}}});
    let reply = ground.call("PATCH", &twin, change).await;
    let after = ground.call("GET", &twin, Value::Null).await.body;
    assert!(matches!(reply.status, 200 | 400), "{}", reply.body);
    assert_eq!(after["connectionState"], "Disconnected");
    assert_eq!(after["properties"]["reported"], before["properties"]["reported"]);
    let changes = i64::from(reply.status == 200);
    assert_eq!(after["version"], before["version"].as_i64().unwrap() + changes);
    assert_eq!(
        after["properties"]["desired"]["$version"],
        before["properties"]["desired"]["$version"].as_i64().unwrap() + changes
    );
    ground.is_unharmed_but(&["assigned"]).await;
}

/// Addresses at which nothing of a user's is served: a cloud's metadata, files, other protocols.
#[tokio::test]
async fn h7_what_is_sent_elsewhere_goes_to_no_metadata_and_no_file() {
    let ground = Ground::prepare().await;
    let (hub, owner) = (ground.emulator.resource_id("iot_hubs"), ground.emulator.token("owner-app", "arm").await);
    let begun = std::time::Instant::now();
    for (number, address) in [
        "http://169.254.169.254/metadata/identity/oauth2/token?resource=x",
        "http://2852039166/latest/meta-data",
        "http://[::ffff:a9fe:a9fe]/latest",
        "file:///etc/passwd",
        "gopher://127.0.0.1:11211/_stats",
        "ftp://127.0.0.1/x",
        "//169.254.169.254/x",
        "javascript:alert(1)",
        "http://",
        "http://127.0.0.1:99999/",
    ]
    .into_iter()
    .enumerate()
    {
        let target = format!("{hub}/providers/Microsoft.EventGrid/eventSubscriptions/s{number}?api-version=2022-06-15");
        let subscription = json!({"properties": {
            "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": address}},
            "eventDeliverySchema": "CloudEventSchemaV1_0",
        }});
        let reply = ground.emulator.call("PUT", &target, &owner, subscription).await;
        assert_eq!(reply.status, 400, "a webhook at {address}: {}", reply.body);
        let job = json!({"type": "export", "outputBlobContainerUri": address, "excludeKeysInExport": true});
        let reply = ground.call("POST", &format!("/jobs/create?{VERSION}"), job).await;
        if reply.status == 200 {
            let id = reply.body["jobId"].as_str().unwrap().to_owned();
            let failed = async {
                loop {
                    let job = ground.call("GET", &format!("/jobs/{id}?{VERSION}"), Value::Null).await.body;
                    match job["status"].as_str().unwrap() {
                        "failed" => return,
                        "completed" => panic!("devices were exported to {address}"),
                        _ => tokio::task::yield_now().await,
                    }
                }
            };
            let failed = tokio::time::timeout(std::time::Duration::from_secs(10), failed).await;
            assert!(failed.is_ok(), "an export to {address} goes on and on");
        } else {
            assert_eq!(reply.status, 400, "an export to {address}: {}", reply.body);
        }
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "somebody was asked: {:?}", begun.elapsed());
    ground.is_unharmed("addresses that are nobody's service").await;
}

#[tokio::test]
async fn keys_that_everybody_knows_are_not_served_beyond_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |allow: bool, fresh: bool| Settings {
        state_dir: folder.path().to_owned(),
        ports: Ports::Auto,
        bind: Some("0.0.0.0".parse().unwrap()),
        allow_well_known_keys: allow,
        generate_keys: fresh,
        ..Settings::default()
    };
    let Err(refused) = Emulator::start(settings(false, false)).await else { panic!("it was served") };
    assert_eq!(refused.exit_code(), 2);
    let said = refused.to_string();
    assert!(said.contains("--generate-keys") && said.contains("--allow-well-known-keys"), "{said}");
    for (allow, fresh) in [(true, false), (false, true)] {
        Emulator::start(settings(allow, fresh)).await.unwrap().shutdown().await;
    }
}

#[tokio::test]
async fn what_is_kept_on_disk_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("state");
    let emulator = iolite_testkit::TestEmulator::start_with(|settings| settings.data_dir = Some(path.clone())).await;
    emulator.token("owner-app", "hub").await;
    let mut looked_at = 0;
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        let is_private = mode.trailing_zeros() >= 6;
        let is_public = matches!(name.rsplit_once('.').map(|(_, end)| end), Some("pem" | "crt"));
        assert!(is_public || is_private, "{name} can be read by others: {mode:o}");
        looked_at += 1;
    }
    assert!(looked_at > 2, "{} is empty", path.display());
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_refusal_tells_a_stranger_nothing_of_what_is_there() {
    let ground = Ground::prepare().await;
    let stranger = iolite_testkit::Credential::none();
    let known = ground.emulator.call("GET", &format!("/devices/{DEVICE}?{VERSION}"), &stranger, Value::Null).await;
    let unknown = ground.emulator.call("GET", &format!("/devices/nobody?{VERSION}"), &stranger, Value::Null).await;
    assert_eq!((known.status, &known.body["Message"]), (unknown.status, &unknown.body["Message"]));
    for secret in ["SharedAccessKey", "disabled", "policy", "/work", "src/"] {
        assert!(!known.body.to_string().contains(secret), "{}", known.body);
    }
}
