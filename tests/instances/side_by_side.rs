//! Many emulators at once.

use std::collections::BTreeSet;

use iolite_testkit::TestEmulator;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::plant::Kind;

const MANY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_emulators_at_once_each_answer_their_own() {
    let starting: JoinSet<TestEmulator> = (0..MANY).map(|_| TestEmulator::start()).collect();
    let emulators = starting.join_all().await;
    for (index, emulator) in emulators.iter().enumerate() {
        Kind::Hub.leave(emulator, &emulator.origin(), &format!("of-{index}")).await;
    }
    let mut places = BTreeSet::new();
    for (index, emulator) in emulators.iter().enumerate() {
        assert_eq!(Kind::Hub.found(emulator, &emulator.origin()).await, [format!("of-{index}")]);
        places.extend([emulator.origin(), emulator.control_base().to_owned()]);
    }
    assert_eq!(places.len(), 2 * MANY, "two emulators are at the same place: {places:?}");
    for (index, emulator) in emulators.iter().enumerate() {
        let other = &emulators[(index + 1) % MANY];
        let token = emulator.token("owner-app", "hub").await;
        let reply = other.call("GET", "/devices?api-version=2021-04-12", &token, Value::Null).await;
        assert_eq!(reply.status, 401, "a token of one emulator is good at another");
        let stranger = emulator.client().connect(&other.origin()).await;
        assert!(stranger.is_err(), "a client of one emulator trusts another's certificate");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emulators_that_share_a_state_directory_share_the_authority_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = tokio::join!(
        TestEmulator::start_with(|settings| settings.state_dir = folder.path().to_owned()),
        TestEmulator::start_with(|settings| settings.state_dir = folder.path().to_owned()),
    );
    assert_ne!(first.ready()["ready_file"], second.ready()["ready_file"]);
    Kind::Hub.leave(&first, &first.origin(), "of-the-first").await;
    assert_eq!(Kind::Hub.found(&second, &second.origin()).await, [""; 0]);
    assert!(first.client().connect(&second.origin()).await.is_ok(), "one trusted authority is enough");
    first.shutdown().await;
    let kept = std::fs::read(second.ready()["ready_file"].as_str().unwrap()).unwrap();
    assert_eq!(&serde_json::from_slice::<Value>(&kept).unwrap(), second.ready());
    assert_eq!(Kind::Hub.ask(&second, &second.origin()).await.status, 200, "the other goes on");
}
