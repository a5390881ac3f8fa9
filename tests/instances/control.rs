//! The control API as the tools of others call it.

use iolite_testkit::{Credential, TestEmulator};
use serde_json::{Value, json};

/// Health checks of containers ask by HEAD (`wget --spider`).
#[tokio::test]
async fn what_can_be_got_can_be_asked_after_by_head() {
    let emulator = TestEmulator::start().await;
    let base = emulator.control_base();
    let root = base.strip_suffix("/iolite/v1").unwrap();
    for url in [
        format!("{base}/health/live"),
        format!("{base}/health/ready"),
        format!("{base}/ready-file"),
        format!("{base}/decisions"),
        format!("{root}/ca.pem"),
    ] {
        let got = emulator.client().send("GET", &url, &Credential::none(), &[], Vec::new()).await;
        let asked = emulator.client().send("HEAD", &url, &Credential::none(), &[], Vec::new()).await;
        assert_eq!((asked.status, got.status), (200, 200), "{url}");
        for field in ["content-type", "content-length"] {
            assert!(!asked.header(field).is_empty() && asked.header(field) == got.header(field), "{url}: {field}");
        }
        assert!(asked.bytes.is_empty() && !got.bytes.is_empty(), "{url}");
    }
    assert_eq!(emulator.control("HEAD", "/reset", Value::Null).await.status, 405, "what changes something is not read");
    assert_eq!(emulator.control("HEAD", "/nothing", Value::Null).await.status, 404);
}

/// What is misspelt would go unheeded otherwise, and a test would test something else.
#[tokio::test]
async fn what_the_control_api_does_not_know_it_does_not_pass_over() {
    let emulator = TestEmulator::start().await;
    let check = json!({"principal": "owner-app", "resource": "hub:contoso-hub", "operation": "Devices_GetDevices",
        "action": "Microsoft.Devices/IotHubs/devices/read"});
    for (method, path, body, word) in [
        ("GET", "/decisions?outcom=denied", Value::Null, "outcome"),
        ("POST", "/reset?sed=empty", Value::Null, "seed"),
        ("POST", "/reset", json!({"seed": "empty"}), "`seed`"),
        ("POST", "/sas", json!({"ttl": 60}), "ttlSeconds"),
        ("POST", "/check", check, "not both"),
        ("POST", "/clock", json!({"set": "2030-01-01T00:00:00Z", "advanceSeconds": 60}), "only one"),
        ("POST", "/clock", json!({"advanceSeconds": i64::MAX}), "9999"),
        ("POST", "/clock", json!({"set": "soon"}), "`soon`"),
    ] {
        let reply = emulator.control(method, path, body).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
        let message = reply.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{path}: {word} is missing in {message}");
    }
    let clock = emulator.control("GET", "/clock", Value::Null).await.body;
    assert_eq!(clock["offsetSeconds"], 0, "{clock}");
}
