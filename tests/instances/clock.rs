//! The clock, frozen and moved: what ends by it, ends to the second.

use iolite_testkit::{Credential, TestEmulator};
use serde_json::{Value, json};

/// The service takes clocks to differ by so much (documented), and so does the emulator.
const LEEWAY: i64 = 300;
/// How long the built-in world's access tokens live.
const LIFETIME: i64 = 3600;

/// An emulator whose clock stands still at a full second.
async fn frozen() -> TestEmulator {
    let emulator = TestEmulator::start().await;
    steer(&emulator, json!({"freeze": true})).await;
    let clock = steer(&emulator, json!({"set": "2031-05-06T07:08:09Z"})).await;
    assert_eq!(clock["frozen"], true, "{clock}");
    emulator
}

async fn steer(emulator: &TestEmulator, how: Value) -> Value {
    let reply = emulator.control("POST", "/clock", how).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

async fn status(emulator: &TestEmulator, credential: &Credential) -> u16 {
    emulator.call("GET", "/devices?api-version=2021-04-12", credential, Value::Null).await.status
}

/// The credential is good up to the last second, and refused a second later for its age.
async fn ends_after(emulator: &TestEmulator, credential: &Credential, seconds: i64) {
    assert_eq!(status(emulator, credential).await, 200);
    emulator.advance_clock(seconds).await;
    assert_eq!(status(emulator, credential).await, 200, "refused before its time");
    emulator.advance_clock(1).await;
    let reply = emulator.call("GET", "/devices?api-version=2021-04-12", credential, Value::Null).await;
    assert_eq!(reply.status, 401, "good after its time");
    let decision = emulator.decision(&reply).await;
    assert!(decision["reason"].to_string().contains("expired"), "{}", decision["reason"]);
}

#[tokio::test]
async fn a_frozen_clock_stands_still_until_it_is_moved() {
    let emulator = frozen().await;
    let now = |clock: &Value| clock["now"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        let clock = emulator.control("GET", "/clock", Value::Null).await.body;
        assert!(now(&clock).starts_with("2031-05-06T07:08:09"), "{clock}");
    }
    let clock = steer(&emulator, json!({"advanceSeconds": 51})).await;
    assert!(now(&clock).starts_with("2031-05-06T07:09:00"), "{clock}");
    let clock = steer(&emulator, json!({"resume": true})).await;
    assert!(now(&clock).starts_with("2031-05-06T07:09"), "it goes on from where it stood: {clock}");
    assert_eq!(clock["frozen"], false);
    let clock = steer(&emulator, json!({"reset": true})).await;
    assert_eq!((&clock["offsetSeconds"], &clock["frozen"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn a_sas_ends_by_the_emulators_clock() {
    let emulator = frozen().await;
    let sas = emulator.sas(json!({"policy": "iothubowner", "ttlSeconds": 60})).await;
    ends_after(&emulator, &sas, 60 + LEEWAY).await;
    emulator.advance_clock(-1).await;
    assert_eq!(status(&emulator, &sas).await, 200, "the clock was put back");
}

#[tokio::test]
async fn an_access_token_ends_by_the_emulators_clock() {
    let emulator = frozen().await;
    let token = emulator.token("owner-app", "hub").await;
    ends_after(&emulator, &token, LIFETIME + LEEWAY).await;
    let fresh = emulator.token("owner-app", "hub").await;
    assert_eq!(status(&emulator, &fresh).await, 200);
    steer(&emulator, json!({"reset": true})).await;
    assert_eq!(status(&emulator, &fresh).await, 401, "a token of a later time is not good yet");
}
