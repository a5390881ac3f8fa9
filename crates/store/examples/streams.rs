//! Durable records per second of a stream, side by side with a bare group-commit file and with a SQLite journal.
//!
//! Run by a person or by `scripts/bench`, on a release build: `cargo run --release -p iolite-store --example streams`.
//! The bare file is one thread that gathers what waits, appends it with one write and syncs the data; the journal does
//! the same with a row for each of four partitions in one transaction. Each round runs all three, in turning order;
//! the table shows the medians of the rounds, of the rates and of their ratios to the bare file. Behind it stand the
//! appends per second without a directory. Not a test: the disk decides.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for a person")]

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use iolite_kernel::Timestamp;
use iolite_store::streams::{Durable, Limits, Position, Streams};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(500);
const RECORD: [u8; 256] = [0x2a; 256];
const PARTITIONS: u32 = 4;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{:>12} {:>12} {:>12} {:>12} {:>8} {:>8}",
        "in flight", "stream/s", "bare file/s", "journal/s", "stream", "journal"
    );
    for (connections, in_flight) in [(1, 1), (16, 1), (50, 20)] {
        let mut figures: [Vec<u64>; 5] = Default::default();
        for round in 0..ROUNDS {
            let [stream, bare, journal] = runtime.block_on(one_round(round, connections, in_flight));
            let ratio = |rate| rate * 100 / bare.max(1);
            for (row, figure) in figures.iter_mut().zip([stream, bare, journal, ratio(stream), ratio(journal)]) {
                row.push(figure);
            }
        }
        let [stream, bare, journal, stream_ratio, journal_ratio] = figures.map(median);
        println!(
            "{:>12} {stream:>12} {bare:>12} {journal:>12} {stream_ratio:>7}% {journal_ratio:>7}%",
            format!("{connections} x {in_flight}")
        );
    }
    memory();
}

/// Runs all three, beginning with another one each time; their rates.
async fn one_round(round: usize, connections: usize, in_flight: usize) -> [u64; 3] {
    let mut rates = [0; 3];
    for turn in 0..3 {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("file");
        let which = (round + turn) % 3;
        rates[which] = match which {
            0 => stream_rate(directory.path(), connections, in_flight).await,
            1 => gathered_rate(bare_file(&path), connections, in_flight).await,
            _ => gathered_rate(journal(&path), connections, in_flight).await,
        };
    }
    rates
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// Appends on one thread without a directory, and reads all of it back.
fn memory() {
    let streams = Streams::memory(Limits::default());
    let stream = streams.stream("hub", PARTITIONS).unwrap();
    let start = Instant::now();
    let count = 3_000_000;
    for number in 0..count {
        stream.append(number % PARTITIONS, Timestamp::UNIX_EPOCH, &RECORD).unwrap();
    }
    let took = start.elapsed();
    println!("in memory, one thread: {} appends/s", per_second(count.into(), took));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (start, mut read, mut from) = (Instant::now(), 0, Position::Earliest);
    loop {
        let records = runtime.block_on(stream.read(0, from, 300, usize::MAX)).unwrap();
        let Some(last) = records.last() else { break };
        from = Position::Sequence(last.sequence + 1);
        read += records.len() as u64;
    }
    println!("in memory, one thread: {} reads/s by 300", per_second(read, start.elapsed()));
}

fn per_second(count: u64, took: Duration) -> u64 {
    count * 1000 / u64::try_from(took.as_millis()).unwrap().max(1)
}

async fn stream_rate(directory: &Path, connections: usize, in_flight: usize) -> u64 {
    let streams = Streams::open(directory, Limits::default()).unwrap().0;
    let stream = streams.stream("hub", PARTITIONS).unwrap();
    let number = AtomicU64::new(0);
    let append = move || {
        let partition = u32::try_from(number.fetch_add(1, Ordering::Relaxed) % u64::from(PARTITIONS)).unwrap();
        stream.append(partition, Timestamp::UNIX_EPOCH, &RECORD).unwrap().durable
    };
    let rate = rate(append, connections, in_flight).await;
    streams.close().await;
    rate
}

/// Something to wait for, in the order of the appends.
trait Awaited: Send + Sync + 'static {
    fn is_done(&self) -> bool;
    fn done(&self) -> impl Future<Output = ()> + Send;
}

impl Awaited for Durable {
    fn is_done(&self) -> bool {
        self.is_settled()
    }

    async fn done(&self) {
        self.wait().await.unwrap();
    }
}

/// Has each connection keep so many records in flight for a while; how many became durable per second.
async fn rate<A: Awaited>(append: impl Fn() -> A + Send + Sync + 'static, connections: usize, in_flight: usize) -> u64 {
    let (append, count, over) = (Arc::new(append), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let start = Instant::now();
    let connection = || {
        let (append, count, over) = (Arc::clone(&append), Arc::clone(&count), Arc::clone(&over));
        tokio::spawn(async move {
            let mut queue = VecDeque::new();
            while !over.load(Ordering::Relaxed) {
                while queue.len() < in_flight {
                    queue.push_back(append());
                }
                queue.front().unwrap().done().await;
                let done = queue.iter().take_while(|awaited: &&A| awaited.is_done()).count();
                queue.drain(..done);
                count.fetch_add(done as u64, Ordering::Relaxed);
            }
            for awaited in queue {
                awaited.done().await;
            }
        })
    };
    let tasks: Vec<_> = (0..connections).map(|_| connection()).collect();
    tokio::time::sleep(ROUND).await;
    let rate = per_second(count.load(Ordering::Relaxed), start.elapsed());
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    rate
}

/// A thread that gathers what waits and has it written.
struct Gatherer {
    gathered: Mutex<Gathered>,
    work: Condvar,
}

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    batch: Arc<Batch>,
    is_over: bool,
}

#[derive(Default)]
struct Batch {
    is_done: AtomicBool,
    done: Notify,
}

impl Awaited for Arc<Batch> {
    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    async fn done(&self) {
        let done = self.done.notified();
        if !self.is_done() {
            done.await;
        }
    }
}

async fn gathered_rate(write: impl FnMut(&[u8]) + Send + 'static, connections: usize, in_flight: usize) -> u64 {
    let gatherer = Arc::new(Gatherer { gathered: Mutex::default(), work: Condvar::new() });
    let shared = Arc::clone(&gatherer);
    let thread = std::thread::spawn(move || shared.run(write));
    let shared = Arc::clone(&gatherer);
    let append = move || {
        let mut gathered = shared.gathered.lock();
        let was_empty = gathered.bytes.is_empty();
        gathered.bytes.extend_from_slice(&RECORD);
        if was_empty {
            shared.work.notify_one();
        }
        Arc::clone(&gathered.batch)
    };
    let rate = rate(append, connections, in_flight).await;
    gatherer.gathered.lock().is_over = true;
    gatherer.work.notify_one();
    thread.join().unwrap();
    rate
}

impl Gatherer {
    fn run(&self, mut write: impl FnMut(&[u8])) {
        let mut spare = Vec::new();
        loop {
            let mut gathered = self.gathered.lock();
            while gathered.bytes.is_empty() {
                if gathered.is_over {
                    return;
                }
                self.work.wait(&mut gathered);
            }
            let bytes = std::mem::replace(&mut gathered.bytes, std::mem::take(&mut spare));
            let batch = std::mem::take(&mut gathered.batch);
            drop(gathered);
            write(&bytes);
            batch.is_done.store(true, Ordering::Release);
            batch.done.notify_waiters();
            spare = bytes;
            spare.clear();
        }
    }
}

fn bare_file(path: &Path) -> impl FnMut(&[u8]) + use<> {
    let mut file = File::create(path).unwrap();
    move |bytes| {
        file.write_all(bytes).unwrap();
        file.sync_data().unwrap();
    }
}

fn journal(path: &Path) -> impl FnMut(&[u8]) + use<> {
    let mut connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE journal (id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, batch BLOB NOT NULL)",
        )
        .unwrap();
    move |bytes| {
        let change = connection.transaction().unwrap();
        let records = bytes.len() / RECORD.len();
        let share = records.div_ceil(usize::try_from(PARTITIONS).unwrap()) * RECORD.len();
        for (partition, batch) in (0..PARTITIONS).zip(bytes.chunks(share)) {
            let mut insert = change.prepare_cached("INSERT INTO journal (partition, batch) VALUES (?1, ?2)").unwrap();
            insert.execute((partition, batch)).unwrap();
        }
        change.commit().unwrap();
    }
}
