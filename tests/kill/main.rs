//! What an emulator that keeps its state in a directory still has after it was killed, at any moment and under load.
//!
//! The emulator runs in a process of its own: this test binary, started again with a variable that tells it to serve.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may")]

mod child;
mod draws;
mod ledger;
mod load;
mod outside;
mod world;

use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use child::{Process, Start};
use draws::Draws;
use iolite_testkit::Credential;
use ledger::{HUB, Ledger};
use load::Load;
use outside::Outside;
use serde_json::{Value, json};

/// How many connections write at once.
const WRITERS: u64 = 4;
/// How often one emulator after the other on the same directory is killed in the long test.
const ROUNDS: u64 = 16;
/// Names how often it is killed in all, where that is to be more.
const KILLS: &str = "IOLITE_KILLS";
/// The most changes that are acknowledged before a kill.
const MOST_CHANGES: u64 = 90;
/// Nothing that is due takes so long, on whatever machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Not a test of its own: in a process that [`Process::start`] made, this is the emulator.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_process_serves_until_it_is_ended() {
    if let Some(folder) = child::folder() {
        child::serve(&folder).await;
    }
}

fn writers() -> Vec<Ledger> {
    (0..WRITERS).map(Ledger::new).collect()
}

async fn start(folder: &Path) -> Process {
    match Process::start(folder).await {
        Start::Ready(process) => *process,
        Start::Refused { text, .. } => panic!("the emulator did not start again: {text}"),
    }
}

/// What each writer was told is there, and of what nobody was told, all or nothing.
async fn settle(process: &Process, ledgers: &mut [Ledger]) {
    let found = world::observe(process).await;
    for ledger in ledgers.iter_mut() {
        ledger.settle(&found);
    }
    let known: usize = ledgers.iter().map(Ledger::count).sum();
    assert_eq!(found.len(), known, "the world has things that nobody made");
}

/// How often the long test kills: a few times, unless whoever runs it asks for more.
#[expect(clippy::disallowed_methods, reason = "the one thing that whoever runs the tests may choose")]
fn kills() -> u64 {
    std::env::var(KILLS).map_or(ROUNDS, |kills| kills.parse().expect("IOLITE_KILLS is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_is_there_whole_however_often_the_process_is_killed() {
    let mut draws = Draws::new(2718);
    for _ in 0..kills().div_ceil(ROUNDS) {
        kill_again_and_again(&mut draws).await;
    }
}

async fn kill_again_and_again(draws: &mut Draws) {
    let folder = tempfile::tempdir().unwrap();
    let mut ledgers = writers();
    let mut process = start(folder.path()).await;
    let first_token = process.token("hub").await;
    for round in 0..ROUNDS {
        let load = Load::start(&process, ledgers).await;
        load.wait_for(1 + draws.below(MOST_CHANGES)).await;
        process.kill().await;
        ledgers = load.end().await;
        process = start(folder.path()).await;
        settle(&process, &mut ledgers).await;
        let listed = process.call("GET", "/devices?api-version=2021-04-12", &first_token).await;
        assert_eq!(
            listed.status, 200,
            "round {round}: the issuer has another key, and old tokens are good for nothing"
        );
    }
    let count = ledgers.iter().map(Ledger::count).sum::<usize>();
    assert!(count > 50, "only {count} things were made: that is no load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_a_day_either_way_loses_nothing() {
    const DAY: i64 = 24 * 3600;
    let folder = tempfile::tempdir().unwrap();
    let mut ledgers = writers();
    // A process that starts anew has the system's time again: each of these is a jump there and one back.
    for jump in [DAY, -DAY, 2 * DAY, -DAY] {
        let process = start(folder.path()).await;
        let token = process.token("hub").await;
        assert_eq!(process.create_device(&token, &mut ledgers[0]).await, 200);
        // Tokens of before the jump are none of after it: the writers ask for theirs then.
        control(&process, "/clock", json!({"advanceSeconds": jump})).await;
        let load = Load::start(&process, ledgers).await;
        load.wait_for(20).await;
        process.kill().await;
        ledgers = load.end().await;
        let process = start(folder.path()).await;
        settle(&process, &mut ledgers).await;
        process.kill().await;
    }
    settle(&start(folder.path()).await, &mut ledgers).await;
}

/// A write that the system fails is not tried again, though it might be done the second time: what of the first one is on
/// the disk, nobody knows.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_write_that_failed_nothing_is_acknowledged_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let Start::Ready(process) = Process::start_with_limits(folder.path()).await else { panic!("it did not start") };
    let (token, mut ledgers) = (process.token("hub").await, [Ledger::new(0)]);
    assert_eq!(process.create_device(&token, &mut ledgers[0]).await, 200);
    let written = std::fs::metadata(folder.path().join(child::STATE).join("state.sqlite-wal")).unwrap().len();
    process.limit_files(Some(written + 50_000));
    let try_one = async |ledger: &mut Ledger| {
        let change = ledger.new_device();
        let reply = process.ask("PUT", &change.target, &token, &[], change.body.clone()).await;
        if reply.status == 200 {
            ledger.acknowledge(change);
        } else {
            ledger.leave_unsure(change);
        }
        reply
    };
    let mut made = 0;
    let refused = loop {
        let reply = try_one(&mut ledgers[0]).await;
        if reply.status != 200 {
            break reply;
        }
        made += 1;
        assert!(made < 1000, "the limit limits nothing");
    };
    assert!(made > 0 && refused.status >= 500, "{made}, then {} {}", refused.status, refused.body);
    assert!(!refused.body.to_string().contains("sqlite"), "a cause goes to a client: {}", refused.body);
    process.limit_files(None);
    let mut other = Ledger::new(1);
    for _ in 0..3 {
        let again = try_one(&mut other).await;
        assert!(again.status >= 500, "it was tried again: {} {}", again.status, again.body);
    }
    let listed = process.call("GET", "/devices?api-version=2021-04-12", &token).await;
    assert_eq!(listed.status, 200, "what is there can be read: {}", listed.body);
    process.terminate().await;
    other.forget_unsure();
    let mut ledgers = Vec::from(ledgers);
    ledgers.push(other);
    let process = start(folder.path()).await;
    settle(&process, &mut ledgers).await;
    let token = process.token("hub").await;
    assert_eq!(process.create_device(&token, &mut ledgers[1]).await, 200, "the next start writes again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_killed_half_way_leaves_a_whole_world_to_the_next() {
    let whole = tempfile::tempdir().unwrap();
    let whole = start(whole.path()).await.ready()["principals"].clone();
    for bytes in [1, 12_000, 25_000] {
        let folder = tempfile::tempdir().unwrap();
        Process::kill_at_the_start(folder.path(), bytes).await;
        let process = start(folder.path()).await;
        settle(&process, &mut []).await;
        assert_eq!(process.ready()["principals"], whole, "killed with {bytes} bytes written");
        // The owner's roles are there: the token of one who has none is refused.
        let listed = process.call("GET", "/devices?api-version=2021-04-12", &process.token("hub").await).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_answers_what_is_under_way_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledgers = writers();
    for _ in 0..2 {
        let process = start(folder.path()).await;
        let load = Load::start(&process, ledgers).await;
        load.wait_for(40).await;
        assert!(process.terminate().await.success(), "an orderly end has the status 0");
        ledgers = load.end().await;
        assert!(!folder.path().join(child::READY).exists(), "the ready file outlived the emulator");
        let process = start(folder.path()).await;
        assert_eq!(process.notices(), [""; 0], "an orderly end leaves nothing to mend");
        for ledger in &mut ledgers {
            // Whoever got no answer was not heard: a change that is made and not answered is no orderly end.
            ledger.forget_unsure();
        }
        settle(&process, &mut ledgers).await;
        assert!(process.terminate().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_directory_is_refused_and_does_the_first_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path()).await;
    let ready = std::fs::read(folder.path().join(child::READY)).unwrap();
    let Start::Refused { text, code } = Process::start(folder.path()).await else {
        panic!("two processes keep their state in one directory")
    };
    let state = folder.path().join(child::STATE);
    let wanted = format!("{} is in use by another process", state.display());
    assert!(text.contains(&wanted) && text.contains("choose another directory"), "{text}");
    assert_eq!(code, Some(1));
    assert_eq!(
        std::fs::read(folder.path().join(child::READY)).unwrap(),
        ready,
        "the first one's ready file is as it was"
    );
    settle(&process, &mut []).await;
    process.kill().await;
    start(folder.path()).await;
}

/// A directory whose emulator was killed, with what its writers know of it.
async fn killed() -> (TempDir, Vec<Ledger>) {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path()).await;
    let load = Load::start(&process, writers()).await;
    load.wait_for(30).await;
    process.kill().await;
    let ledgers = load.end().await;
    (folder, ledgers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rubbish_behind_the_last_write_is_cut_and_said() {
    let (folder, mut ledgers) = killed().await;
    let path = folder.path().join(child::STATE).join("state.sqlite-wal");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(&[0x5a; 1000]).unwrap();
    let process = start(folder.path()).await;
    assert!(process.notices().iter().any(|notice| notice.contains("was cut from")), "{:?}", process.notices());
    settle(&process, &mut ledgers).await;
    let load = Load::start(&process, ledgers).await;
    load.wait_for(20).await;
    process.kill().await;
    let mut ledgers = load.end().await;
    settle(&start(folder.path()).await, &mut ledgers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_cut_short_is_dropped_whole_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(child::STATE).join("state.sqlite-wal");
    let process = start(folder.path()).await;
    let (token, mut ledger) = (process.token("hub").await, Ledger::new(0));
    for _ in 0..3 {
        assert_eq!(process.create_device(&token, &mut ledger).await, 200);
    }
    let before = std::fs::metadata(&path).unwrap().len();
    let mut last = Ledger::new(1);
    assert_eq!(process.create_device(&token, &mut last).await, 200);
    process.kill().await;
    let after = std::fs::metadata(&path).unwrap().len();
    assert!(after > before, "the last device is not at the end of the file");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(after - 10).unwrap();

    let process = start(folder.path()).await;
    let told = process.notices().join("\n");
    assert!(told.contains("an unfinished write") && told.contains("state.sqlite-wal"), "{told}");
    let mut ledgers = [ledger];
    settle(&process, &mut ledgers).await;
    let token = process.token("hub").await;
    assert_eq!(process.create_device(&token, &mut ledgers[0]).await, 200);
    process.kill().await;
    let process = start(folder.path()).await;
    assert_eq!(process.notices(), [""; 0], "what was cut is not told again after the next write");
    settle(&process, &mut ledgers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signing_key_cut_short_is_replaced_and_the_new_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path()).await;
    process.token("hub").await;
    process.kill().await;
    let key =
        std::fs::OpenOptions::new().write(true).open(folder.path().join(child::STATE).join("issuer.key")).unwrap();
    key.set_len(100).unwrap();
    let process = start(folder.path()).await;
    let token = process.token("hub").await;
    process.kill().await;
    let process = start(folder.path()).await;
    let listed = process.call("GET", "/devices?api-version=2021-04-12", &token).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
}

/// The control API's answer.
async fn control(process: &Process, path: &str, body: Value) -> Value {
    let url = format!("{}{path}", process.ready()["control"].as_str().unwrap());
    let reply = process.client().send("POST", &url, &Credential::none(), &[], body.to_string().into_bytes()).await;
    assert!(reply.status < 300, "{path}: {}", reply.body);
    reply.body
}

/// A route to a container and a subscription of a webhook, both at `outside`, and a device.
async fn lead_outside(process: &Process, outside: &Outside) {
    let (arm, hub) = (process.token("arm").await, process.token("hub").await);
    let (target, base) = (format!("{HUB}?api-version=2023-06-30"), format!("http://127.0.0.1:{}", outside.port));
    let mut record = process.call("GET", &target, &arm).await.body;
    record["properties"]["routing"] = json!({
        "endpoints": {"storageContainers": [{
            "name": "cold", "containerName": "cold", "encoding": "JSON", "batchFrequencyInSeconds": 60,
            "connectionString": format!("AccountName=account;AccountKey=a2V5;BlobEndpoint={base}/account"),
        }]},
        "routes": [{
            "name": "r", "source": "DeviceMessages", "condition": "true", "endpointNames": ["cold"], "isEnabled": true,
        }],
    });
    let put = process.ask("PUT", &target, &arm, &[], record).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let target = format!("{HUB}/providers/Microsoft.EventGrid/eventSubscriptions/hook?api-version=2022-06-15");
    let subscription = json!({"properties": {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": format!("{base}/hook")}},
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": {"includedEventTypes": ["Microsoft.Devices.DeviceTelemetry"]},
    }});
    let put = process.ask("PUT", &target, &arm, &[], subscription).await;
    assert_eq!(put.status, 201, "{}", put.body);
    let device = process.ask("PUT", "/devices/d1?api-version=2021-04-12", &hub, &[], json!({"deviceId": "d1"})).await;
    assert_eq!(device.status, 200, "{}", device.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_message_reaches_its_container_and_its_webhook_though_the_process_was_killed() {
    const MESSAGES: u64 = 20;
    let (folder, outside) = (tempfile::tempdir().unwrap(), Outside::start().await);
    let process = start(folder.path()).await;
    lead_outside(&process, &outside).await;
    outside.set_away(true);
    let sas = control(&process, "/sas", json!({"device": "d1"})).await;
    let sas = Credential::text(&sas["token"]);
    for number in 0..MESSAGES {
        let headers = [("iothub-contenttype", "application/json"), ("iothub-contentencoding", "utf-8")];
        let target = "/devices/d1/messages/events?api-version=2021-04-12";
        let sent = process.ask("POST", target, &sas, &headers, json!({"n": number})).await;
        assert_eq!(sent.status, 204, "{}", sent.body);
    }
    process.kill().await;
    assert!(outside.told().is_empty() && outside.stored().is_empty());

    outside.set_away(false);
    let process = start(folder.path()).await;
    // The batch is due, and so is the webhook's next attempt.
    control(&process, "/clock", json!({"advanceSeconds": 120})).await;
    let all: Vec<u64> = (0..MESSAGES).collect();
    let arrived = async {
        while outside.told().len() < all.len() || outside.stored().len() < all.len() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.expect("what was acknowledged does not arrive");
    assert_eq!((outside.told(), outside.stored()), (all.clone(), all));
}
