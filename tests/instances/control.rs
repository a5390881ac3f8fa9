//! The control API as the tools of others call it.

use iolite_testkit::{Credential, TestEmulator};
use serde_json::Value;

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
