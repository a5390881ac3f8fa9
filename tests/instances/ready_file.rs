//! The ready file: whole from the moment it is there, and gone with the emulator.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use iolite_testkit::TestEmulator;
use serde_json::Value;
use tokio::sync::mpsc;

const STARTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the file over and over until told to stop; tells of every new content.
fn watch(path: PathBuf, stop: &AtomicBool, seen: &mpsc::UnboundedSender<Value>) {
    let mut last = Value::Null;
    while !stop.load(Ordering::Relaxed) {
        let Ok(text) = std::fs::read(&path) else {
            std::thread::yield_now();
            continue;
        };
        let content: Value = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("a ready file of {} bytes is not whole: {error}", text.len()));
        if content != last {
            for place in [&content["iot_hubs"][0]["endpoint"], &content["control"]] {
                assert!(accepts(place.as_str().unwrap()), "the ready file is there, and {place} does not answer");
            }
            last = content.clone();
            seen.send(content).ok();
        }
    }
}

/// Whether somebody listens where `url` points.
fn accepts(url: &str) -> bool {
    let authority = url.split("://").nth(1).unwrap().split('/').next().unwrap();
    TcpStream::connect(authority).is_ok()
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ready_file_is_never_seen_half_written_and_goes_with_the_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut seen) = mpsc::unbounded_channel();
    let watcher = std::thread::spawn({
        let (path, stop) = (path.clone(), stop.clone());
        move || watch(path, &stop, &sender)
    });
    for _ in 0..STARTS {
        let emulator = TestEmulator::start_with(|settings| settings.ready_file = Some(path.clone())).await;
        let content = tokio::time::timeout(PATIENCE, seen.recv()).await.expect("no ready file").expect("not whole");
        assert_eq!(&content, emulator.ready());
        assert_eq!(content["pid"], std::process::id());
        assert_eq!(emulator.control("GET", "/ready-file", Value::Null).await.body, content);
        emulator.shutdown().await;
        assert_eq!(names(folder.path()), [""; 0], "something is left beside the ready file, or the file itself");
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_ready_file_holds_secrets_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let emulator = TestEmulator::start().await;
    let path = emulator.ready()["ready_file"].as_str().unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o077, 0);
}

/// Who is started on another's ready file has the file from then on: what the first one leaves is not the first one's.
#[tokio::test]
async fn a_ready_file_that_another_emulator_took_over_outlives_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    let on_it = || TestEmulator::start_with(|settings| settings.ready_file = Some(path.clone()));
    let first = on_it().await;
    let second = on_it().await;
    first.shutdown().await;
    let content: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&content, second.ready());
    second.shutdown().await;
    assert_eq!(names(folder.path()), [""; 0]);
}
