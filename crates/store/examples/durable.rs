//! Durable changes per second, side by side with a bare group-commit log.
//!
//! Run by a person or by `scripts/bench`, on a release build: `cargo run --release -p iolite-store --example durable`.
//! The bare log is one thread that gathers what waits, writes it with one call and syncs the data. Each round runs both
//! one after the other; the table shows the medians of the rounds, of the rates and of their ratio. Not a test: the disk
//! decides.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for a person")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use iolite_store::{Record, Store, StoreError, Transaction};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Device {
    id: String,
    etag: String,
    status: String,
    primary_key: String,
    secondary_key: String,
    tags: Vec<String>,
}

impl Record for Device {
    const COLLECTION: &'static str = "bench.devices";
}

fn device(number: u64) -> Device {
    Device {
        id: format!("device-{number:012}"),
        etag: "NDk5Njk2OTU2".to_owned(),
        status: "enabled".to_owned(),
        primary_key: "k".repeat(44),
        secondary_key: "k".repeat(44),
        tags: vec!["some-tag-of-usual-length".to_owned(); 4],
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{:>8} {:>12} {:>12} {:>7}", "writers", "store/s", "bare log/s", "ratio");
    for writers in [1, 16, 256] {
        let (mut stores, mut logs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let directory = tempfile::tempdir_in(".").unwrap();
            let store = runtime.block_on(store_rate(directory.path(), writers));
            let log = runtime.block_on(log_rate(&directory.path().join("bare.log"), writers));
            stores.push(store);
            logs.push(log);
            ratios.push(store * 100 / log.max(1));
        }
        println!("{writers:>8} {:>12} {:>12} {:>6}%", median(stores), median(logs), median(ratios));
    }
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

async fn store_rate(directory: &Path, writers: usize) -> u64 {
    let store = Store::open(directory).unwrap().0;
    let devices = store.table::<Device>();
    let writing = store.clone();
    let rate = rate(writers, move |number| {
        let (store, devices) = (writing.clone(), devices.clone());
        async move {
            let key = format!("hub/device-{number:012}");
            let change = |tx: &mut Transaction<'_>| {
                tx.put(&devices, &key, device(number));
                Ok(())
            };
            store.transact::<(), StoreError>(change).await.unwrap();
        }
    })
    .await;
    store.close().await;
    rate
}

async fn log_rate(path: &Path, writers: usize) -> u64 {
    let mut file = File::create(path).unwrap();
    let (sender, receiver) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>();
    let thread = std::thread::spawn(move || {
        let (mut bytes, mut waiting) = (Vec::new(), Vec::new());
        while let Ok(first) = receiver.recv() {
            for (change, waiter) in std::iter::once(first).chain(receiver.try_iter()) {
                bytes.extend_from_slice(&change);
                waiting.push(waiter);
            }
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            bytes.clear();
            for waiter in waiting.drain(..) {
                waiter.send(()).unwrap();
            }
        }
    });
    let rate = rate(writers, move |number| {
        let sender = sender.clone();
        async move {
            let change = serde_json::to_vec(&device(number)).unwrap();
            let (waiter, done) = oneshot::channel();
            sender.send((change, waiter)).unwrap();
            done.await.unwrap();
        }
    })
    .await;
    // The last sender went with the last task.
    thread.join().unwrap();
    rate
}

/// Has so many writers make one change after another for a while; how many were made per second.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    writers: usize,
    write: impl Fn(u64) -> F + Clone + Send + 'static,
) -> u64 {
    let (numbers, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (write, numbers, over) = (write.clone(), Arc::clone(&numbers), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    write(numbers.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(ROUND).await;
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap().max(1);
    numbers.load(Ordering::Relaxed) * 1000 / milliseconds
}
