//! Starts that are refused, each with what is wrong, where, and what to do.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use iolite_server::{Emulator, Ports, Settings, StartError};
use iolite_testkit::{Credential, TestEmulator};
use serde_json::json;

use crate::plant::{Kind, WORLD, call};

async fn refusal(settings: Settings) -> StartError {
    match Emulator::start(settings).await {
        Err(error) => error,
        Ok(emulator) => {
            emulator.shutdown().await;
            panic!("the emulator started")
        }
    }
}

fn settings(folder: &Path) -> Settings {
    Settings { state_dir: folder.to_owned(), ports: Ports::Auto, ..Settings::default() }
}

#[tokio::test]
async fn keys_that_everybody_knows_are_not_served_beyond_loopback() {
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let folder = tempfile::tempdir().unwrap();
        let bind: IpAddr = address.parse().unwrap();
        let ready = folder.path().join("ready.json");
        let asked = Settings { bind: Some(bind), ready_file: Some(ready.clone()), ..settings(folder.path()) };
        let error = refusal(asked).await;
        assert!(matches!(&error, StartError::WellKnownKeys(told) if told.address == bind), "{error}");
        let text = error.to_string();
        assert!(text.contains("--generate-keys") && text.contains("--allow-well-known-keys"), "{text}");
        assert_eq!(error.exit_code(), 2);
        assert!(!ready.exists(), "a start that is refused leaves a ready file");
    }
}

#[tokio::test]
async fn a_directory_of_keys_that_everybody_knows_stays_at_home_though_fresh_ones_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().join("state"));
    TestEmulator::start_with(|settings| settings.data_dir.clone_from(&data_dir)).await.shutdown().await;
    let bind = Some("192.0.2.1".parse().unwrap());
    let error = refusal(Settings { bind, data_dir, generate_keys: true, ..settings(folder.path()) }).await;
    assert!(matches!(error, StartError::WellKnownKeys(_)), "{error}");
}

#[tokio::test]
async fn fresh_keys_are_nobody_elses() {
    let (mut keys, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for generate_keys in [false, true, true] {
        let emulator = TestEmulator::start_with(|settings| settings.generate_keys = generate_keys).await;
        let connection = emulator.ready()["iot_hubs"][0]["service_connection_string"].as_str().unwrap();
        keys.insert(connection.rsplit(';').next().unwrap().to_owned());
        secrets.insert(emulator.ready()["principals"][0]["client_secret"].as_str().unwrap().to_owned());
    }
    assert_eq!((keys.len(), secrets.len()), (3, 3), "{keys:?} {secrets:?}");
}

/// What is done to a sound world, where the refusal points, what it says, and what it says to do.
const FLAWS: &[(&str, &str, &str, &str, &str)] = &[
    ("name = \"plant\"", "name = ", "line 2", "", "world.schema.json"),
    ("[tenant]", "[tennant]", "line 4", "tennant", "world.schema.json"),
    ("0001\"", "\"", "tenant.id", "is not a GUID", "hexadecimal"),
    (
        "\"zeta-hub\"\nresource_group = \"plant\"",
        "\"zeta-hub\"\nresource_group = \"plan\"",
        "iot_hubs[0].resource_group",
        "`plan`",
        "[[resource_groups]]",
    ),
    ("\"beta-hub\"", "\"alpha-hub\"", "iot_hubs[2]", "there twice", "rename"),
    ("\"beta-hub\"", "\"beta_hub\"", "iot_hubs[2].name", "`beta_hub`", "hyphens"),
    ("\"RegistryRead, RegistryWrite\"", "\"RegistryReed\"", "iot_hubs[0].policies[0].rights", "RegistryReed", "commas"),
    (
        "scope = \"group:plant\"",
        "scope = \"group:nowhere\"",
        "principals[0] (owner-app).roles[0].scope",
        "nowhere",
        "hub:NAME",
    ),
    (
        "\"IoT Hub Data Contributor\"",
        "\"IoT Hub Data Emperor\"",
        "principals[0] (owner-app).roles[0].role",
        "IoT Hub Data Emperor",
        "iolite roles",
    ),
];

#[tokio::test]
async fn a_world_that_is_not_sound_is_refused_with_the_place_and_the_remedy() {
    for (sound, flawed, place, problem, remedy) in FLAWS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flawed.toml");
        assert!(WORLD.contains(sound), "{sound}");
        std::fs::write(&path, WORLD.replacen(sound, flawed, 1)).unwrap();
        let error = refusal(Settings { world: Some(path.clone()), ..settings(folder.path()) }).await;
        let StartError::World(told) = &error else { panic!("{error}") };
        assert!(told.place.contains("flawed.toml") && told.place.contains(place), "{sound} -> {flawed}: {error}");
        assert!(told.problem.contains(problem), "{sound} -> {flawed}: {error}");
        assert!(!told.remedy.is_empty() && told.remedy.contains(remedy), "{sound} -> {flawed}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[tokio::test]
async fn a_denial_of_somebody_who_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plant.toml");
    let denial = "[[deny_assignments]]\nname = \"no-one\"\nscope = \"group:plant\"\nprincipals = [\"onwer-app\"]\n";
    std::fs::write(&path, format!("{WORLD}\n{denial}")).unwrap();
    let text = refusal(Settings { world: Some(path), ..settings(folder.path()) }).await.to_string();
    assert!(text.contains("deny_assignments[0].principals: there is no principal `onwer-app`"), "{text}");
}

#[tokio::test]
async fn a_role_of_the_file_is_given_by_its_name_and_by_its_id() {
    let id = "c0ffee00-0000-4000-8000-000000000777";
    let role = format!(
        "[[custom_roles]]\nname = \"Device counter\"\nid = \"{id}\"\ndata_actions = [\"Microsoft.Devices/IotHubs/devices/read\"]\n"
    );
    for text in ["Device counter", id] {
        let counter = format!(
            "[[principals]]\nname = \"counter\"\nkind = \"service-principal\"\nroles = [{{ role = \"{text}\", scope = \"hub:beta-hub\" }}]\n"
        );
        let emulator = TestEmulator::start_world(&format!("{WORLD}\n{counter}\n{role}")).await;
        let token = emulator.token("counter", "hub").await;
        let (method, target, body) = Kind::Hub.list();
        let status = async |name: &str| {
            call(emulator.client(), method, &emulator.origin_of(name), &target, &token, &body).await.status
        };
        assert_eq!((status("beta-hub").await, status("alpha-hub").await), (200, 401), "{text}");
    }
}

#[tokio::test]
async fn a_world_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing.toml");
    let error = refusal(Settings { world: Some(path), ..settings(folder.path()) }).await;
    let text = error.to_string();
    assert!(text.contains("nothing.toml: cannot be read") && text.contains("built-in world"), "{text}");
}

#[tokio::test]
async fn what_the_control_api_does_not_have_yet_is_refused_by_name() {
    let emulator = TestEmulator::start().await;
    let base = emulator.control_base().to_owned();
    let root = base.trim_end_matches("/iolite/v1");
    for url in [format!("{base}/faults/slow"), format!("{root}/metrics"), format!("{root}/console")] {
        let reply = emulator.client().send("GET", &url, &Credential::none(), &[], Vec::new()).await;
        assert_eq!(
            (reply.status, &reply.body["error"]["code"]),
            (501, &json!("NotSupported")),
            "{url}: {}",
            reply.body
        );
        assert!(reply.body["error"]["message"].as_str().unwrap().contains("not built yet"), "{url}: {}", reply.body);
    }
}
