//! The keys of a world: whose they are, how long they stay, and that those that everybody knows stay at home.

use std::path::{Path, PathBuf};

use iolite_server::{Emulator, Ports, Settings};
use iolite_testkit::TestEmulator;
use serde_json::{Value, json};

/// Every address of this machine.
const EVERYWHERE: &str = "0.0.0.0";

/// A world that gives every key itself, but for those that a test adds to it.
const OWN_KEYS: &str = r#"
name = "own-keys"

[tenant]
id = "c0ffee00-0000-4000-8000-000000000001"
domain = "contoso.example"

[[subscriptions]]
id = "c0ffee00-0000-4000-8000-000000000002"
name = "Contoso"

[[resource_groups]]
name = "own"

[[iot_hubs]]
name = "own-hub"
resource_group = "own"
policies = [
  { name = "iothubowner", rights = "RegistryWrite, ServiceConnect, DeviceConnect", primary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDE=", secondary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDE=" },
  { name = "service", rights = "ServiceConnect", primary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDI=", secondary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDI=" },
  { name = "device", rights = "DeviceConnect", primary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDM=", secondary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDM=" },
  { name = "registryRead", rights = "RegistryRead", primary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDQ=", secondary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDQ=" },
  { name = "registryReadWrite", rights = "RegistryRead, RegistryWrite", primary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDU=", secondary_key = "T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDU=" },
]

[[principals]]
name = "own-app"
kind = "service-principal"
client_secret = "nobody-else-knows-this"
"#;

fn settings(data: &Path) -> Settings {
    Settings { state_dir: data.to_owned(), data_dir: Some(data.to_owned()), ports: Ports::Auto, ..Settings::default() }
}

fn beyond(data: &Path) -> Settings {
    Settings { bind: Some(EVERYWHERE.parse().unwrap()), ..settings(data) }
}

async fn started(settings: Settings) -> TestEmulator {
    TestEmulator::start_with(|given| *given = settings).await
}

/// Why an emulator does not start, in words.
async fn refusal(settings: Settings) -> String {
    match Emulator::start(settings).await {
        Err(error) => error.to_string(),
        Ok(emulator) => {
            emulator.shutdown().await;
            panic!("the emulator started")
        }
    }
}

/// What the ready file says of keys, secrets and ids.
fn keys(ready: &Value) -> Value {
    let hub = &ready["iot_hubs"][0];
    let key =
        |text: &Value| text.as_str().unwrap_or_default().split("SharedAccessKey=").nth(1).unwrap_or("").to_owned();
    json!({
        "hub": key(&hub["service_connection_string"]),
        "events": key(&hub["event_hub_connection_string"]),
        "dps": key(&ready["provisioning_services"][0]["service_connection_string"]),
        "id_scope": ready["provisioning_services"][0]["id_scope"],
        "principals": ready["principals"],
        "tenant": ready["entra"]["tenant_id"],
    })
}

async fn keys_now(emulator: &TestEmulator) -> Value {
    keys(&emulator.control("GET", "/ready-file", Value::Null).await.body)
}

async fn reset(emulator: &TestEmulator, seed: &str) {
    let reply = emulator.control("POST", &format!("/reset?seed={seed}"), Value::Null).await;
    assert_eq!(reply.status, 204, "{}", reply.body);
}

fn file_of(emulator: &TestEmulator) -> Value {
    let path = PathBuf::from(emulator.ready()["ready_file"].as_str().unwrap());
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_reset_keeps_the_fresh_keys_of_the_start() {
    for seed in ["world", "empty"] {
        let emulator = TestEmulator::start_with(|settings| settings.generate_keys = true).await;
        let before = keys(emulator.ready());
        reset(&emulator, seed).await;
        assert_eq!(keys_now(&emulator).await, before, "seed={seed}");
    }
}

#[tokio::test]
async fn a_data_directory_keeps_its_fresh_keys_over_restarts_and_resets() {
    let data = tempfile::tempdir().unwrap();
    let first = started(Settings { generate_keys: true, ..settings(data.path()) }).await;
    let before = keys(first.ready());
    first.shutdown().await;
    for (generate_keys, seed) in [(false, "world"), (true, "empty"), (false, "empty")] {
        // Beyond loopback: were they to become the well-known ones, this would be where it matters.
        let emulator = started(Settings { generate_keys, ..beyond(data.path()) }).await;
        assert_eq!(keys(emulator.ready()), before);
        reset(&emulator, seed).await;
        assert_eq!(keys_now(&emulator).await, before, "--generate-keys {generate_keys}, seed={seed}");
        emulator.shutdown().await;
    }
}

/// A directory whose world has fresh keys, with a copy `known` of the time when everybody knew them.
async fn with_a_copy_of_well_known_keys(data: &Path) -> Value {
    let emulator = started(settings(data)).await;
    let known = keys(emulator.ready());
    assert_eq!(emulator.control("POST", "/snapshots/known", Value::Null).await.status, 204);
    emulator.shutdown().await;
    let emulator = started(Settings { generate_keys: true, ..settings(data) }).await;
    reset(&emulator, "world").await;
    assert_ne!(keys_now(&emulator).await, known);
    emulator.shutdown().await;
    known
}

#[tokio::test]
async fn a_copy_with_keys_that_everybody_knows_is_not_put_back_beyond_loopback() {
    let data = tempfile::tempdir().unwrap();
    let known = with_a_copy_of_well_known_keys(data.path()).await;
    let emulator = started(beyond(data.path())).await;
    let before = keys(emulator.ready());
    let hub = emulator.token("owner-app", "hub").await;
    let device = "/devices/kept?api-version=2021-04-12";
    assert_eq!(emulator.call("PUT", device, &hub, json!({"deviceId": "kept"})).await.status, 200);
    let refused = emulator.control("POST", "/snapshots/known/restore", Value::Null).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let said = refused.body["error"]["message"].as_str().unwrap();
    for word in ["`known`", EVERYWHERE, "contoso-hub", "owner-app", "--allow-well-known-keys"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(keys_now(&emulator).await, before);
    assert_eq!(emulator.call("GET", device, &hub, Value::Null).await.status, 200, "something was put back");
    emulator.shutdown().await;

    for settings in [Settings { allow_well_known_keys: true, ..beyond(data.path()) }, settings(data.path())] {
        let emulator = started(settings).await;
        assert_eq!(emulator.control("POST", "/snapshots/known/restore", Value::Null).await.status, 204);
        assert_eq!(keys_now(&emulator).await, known);
        assert_eq!(keys(&file_of(&emulator)), known, "the file on the disk tells of keys that are gone");
        reset(&emulator, "world").await;
        assert_eq!(keys_now(&emulator).await, before, "a reset gives the keys of the start");
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn fresh_keys_that_a_directory_does_not_take_are_told_of_and_a_reset_makes_them() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().display().to_string();
    let emulator = started(settings(data.path())).await;
    let known = keys(emulator.ready());
    emulator.shutdown().await;
    let said = refusal(Settings { generate_keys: true, ..beyond(data.path()) }).await;
    assert!(said.contains("iolite reset") && said.contains(&path), "a remedy that was tried already: {said}");

    let asked = Settings { generate_keys: true, ..settings(data.path()) };
    let emulator = Emulator::start(asked.clone()).await.unwrap();
    let notices = emulator.notices().join("\n");
    assert!(notices.contains("--generate-keys") && notices.contains("`iolite reset`"), "{notices}");
    emulator.shutdown().await;

    let emulator = started(asked.clone()).await;
    reset(&emulator, "world").await;
    let fresh = keys_now(&emulator).await;
    for part in ["hub", "events", "dps", "principals"] {
        assert_ne!(fresh[part], known[part], "{part}");
    }
    assert_eq!(keys(&file_of(&emulator)), fresh, "the file on the disk tells of keys that are gone");
    emulator.shutdown().await;
    let emulator = Emulator::start(Settings { bind: Some(EVERYWHERE.parse().unwrap()), ..asked }).await.unwrap();
    assert_eq!(keys(emulator.ready()), fresh);
    assert_eq!(emulator.notices(), [""; 0]);
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_start_that_is_refused_for_its_keys_leaves_no_world_behind() {
    let data = tempfile::tempdir().unwrap();
    let said = refusal(beyond(data.path())).await;
    assert!(said.contains("start with --generate-keys"), "{said}");
    let emulator = started(Settings { generate_keys: true, ..beyond(data.path()) }).await;
    emulator.shutdown().await;
}

/// A custom world may be nobody else's altogether, or in part: what is refused is named.
#[tokio::test]
async fn keys_of_the_users_own_are_nobody_elses_and_those_left_out_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, OWN_KEYS).unwrap();
    let asked = |data: &str| Settings { world: Some(path.clone()), ..beyond(&folder.path().join(data)) };
    let emulator = started(asked("whole")).await;
    assert_eq!(keys(emulator.ready())["hub"], "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDE=");
    reset(&emulator, "world").await;
    emulator.shutdown().await;

    let partly = OWN_KEYS.replace(", secondary_key = \"T3duS2V5c09mTXlPd25Xb3JsZC1zZWNvbmQtMDAwMDM=\"", "")
        + "[[iot_hubs]]\nname = \"bare-hub\"\nresource_group = \"own\"\n\
           [[principals]]\nname = \"copied-app\"\nkind = \"service-principal\"\nclient_secret = \"owner-app-secret\"\n";
    std::fs::write(&path, partly).unwrap();
    let said = refusal(asked("partly")).await;
    for word in
        ["own-hub: the secondary key of device", "bare-hub", "registryReadWrite", "copied-app", "--generate-keys"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    for word in ["iothubowner of own-hub", "own-app", "built-in"] {
        assert!(!said.contains(word), "{word}: {said}");
    }

    let emulator = started(Settings { generate_keys: true, ..asked("partly") }).await;
    let ready = emulator.ready();
    let secret = |name: &str| {
        let all = ready["principals"].as_array().unwrap();
        all.iter().find(|entry| entry["name"] == name).unwrap()["client_secret"].as_str().unwrap().to_owned()
    };
    assert_eq!(keys(ready)["hub"], "T3duS2V5c09mTXlPd25Xb3JsZC1wcmltYXJ5LTAwMDE=", "a key that the file gives is kept");
    assert_eq!(secret("own-app"), "nobody-else-knows-this");
    assert_ne!(secret("copied-app"), "owner-app-secret", "it stands in the built-in world for all to read");
    let bare = emulator.entry("bare-hub")["service_connection_string"].as_str().unwrap().to_owned();
    emulator.shutdown().await;
    let derived = started(Settings { bind: None, ..asked("derived") }).await;
    assert_ne!(derived.entry("bare-hub")["service_connection_string"].as_str().unwrap(), bare);
    derived.shutdown().await;
}

/// The file that a reset reads was given at the start, and may leave out what the kept world has.
#[tokio::test]
async fn a_reset_brings_no_well_known_keys_beyond_loopback_though_the_world_was_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path().join("own.toml"), folder.path().join("state"));
    std::fs::write(&path, OWN_KEYS).unwrap();
    started(Settings { world: Some(path), ..settings(&data) }).await.shutdown().await;
    let emulator = started(beyond(&data)).await;
    let before = keys(emulator.ready());
    let refused = emulator.control("POST", "/reset?seed=world", Value::Null).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let said = refused.body["error"]["message"].as_str().unwrap();
    assert!(said.contains("contoso-hub") && said.contains("--generate-keys"), "{said}");
    assert_eq!(keys_now(&emulator).await, before);
    emulator.shutdown().await;
}
