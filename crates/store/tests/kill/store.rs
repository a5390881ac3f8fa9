//! The store: the writer makes changes of two records each, and pauses in some rounds so that the journal is folded.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use iolite_store::{Record, Store, StoreError, Table, Transaction};
use serde::{Deserialize, Serialize};

use super::{Chance, DIRECTORY, ROUND, copy_folder, start_writer};

const ROUNDS: usize = 21;
const WRITERS: u64 = 12;

/// In these rounds the writers stop after a while, and the kill comes when the journal is being folded.
fn is_pausing(round: usize) -> bool {
    round % 3 == 2
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Left {
    number: u64,
    padding: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Right {
    number: u64,
}

impl Record for Left {
    const COLLECTION: &'static str = "kill.left";
}

impl Record for Right {
    const COLLECTION: &'static str = "kill.right";
}

fn padding(number: u64) -> String {
    "x".repeat(usize::try_from(number % 700).unwrap())
}

#[test]
fn every_acknowledged_change_survives_kill_nine() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for round in 0..ROUNDS {
        let (mut writer, lines) =
            start_writer("store::every_acknowledged_change_survives_kill_nine", directory.path(), round);
        let mut wanted = if is_pausing(round) { usize::MAX } else { chance.below(400) };
        let patience = Duration::from_millis(if is_pausing(round) { 30 + chance.below(150) as u64 } else { 10_000 });
        while wanted > 0 {
            match lines.recv_timeout(patience) {
                Ok(line) => {
                    wanted = wanted.saturating_sub(1);
                    note(&mut acknowledged, &line);
                }
                Err(_) if is_pausing(round) && !acknowledged.is_empty() => break,
                Err(error) => panic!("round {round}: the writer fell silent: {error}"),
            }
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it had printed before it died was acknowledged as well.
        for line in lines {
            note(&mut acknowledged, &line);
        }
        look(directory.path(), round, &acknowledged);
    }
    assert!(acknowledged.values().sum::<u64>() > 500, "there was load: {acknowledged:?}");
}

/// Looks at the directory, or, so that the next writer starts from what the kill left, at a copy of it.
fn look(directory: &Path, round: usize, acknowledged: &BTreeMap<u64, u64>) {
    if round.is_multiple_of(2) {
        return check(directory, round, acknowledged);
    }
    let copy = tempfile::tempdir().unwrap();
    copy_folder(directory, copy.path());
    check(copy.path(), round, acknowledged);
}

fn check(directory: &Path, round: usize, acknowledged: &BTreeMap<u64, u64>) {
    let (store, _) = Store::open(directory).unwrap_or_else(|error| panic!("round {round}: {error}"));
    let (lefts, rights) = (store.table::<Left>(), store.table::<Right>());
    assert!(store.unreadable().is_empty());
    for writer in 0..WRITERS {
        let there = lefts.all(&format!("{writer}/"));
        let count = there.len() as u64;
        let told = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(count >= told, "round {round}: writer {writer} was told of {told} changes, and {count} are there");
        assert!(count <= told + ROUNDS as u64, "round {round}: at most one change a round was not acknowledged");
        for (number, (key, left)) in (0..).zip(&there) {
            assert_eq!(**key, *key_of(writer, number), "round {round}: no gap");
            assert_eq!((left.number, &left.padding), (number, &padding(number)));
            let right = rights.get(key).unwrap_or_else(|| panic!("round {round}: half of {key} is missing"));
            assert_eq!((right.number, right.revision), (number, left.revision));
        }
        assert_eq!(rights.count(&format!("{writer}/")) as u64, count);
    }
}

fn key_of(writer: u64, number: u64) -> String {
    format!("{writer}/{number:08}")
}

/// A line is `ack <writer> <how many it has been told of>`; the test harness prints others.
fn note(acknowledged: &mut BTreeMap<u64, u64>, line: &str) {
    let Some(rest) = line.strip_prefix("ack ") else { return };
    let (writer, count) = rest.split_once(' ').unwrap();
    acknowledged.insert(writer.parse().unwrap(), count.parse().unwrap());
}

fn write_until_killed(directory: &Path) {
    let round: usize = env::var_os(ROUND).unwrap().into_string().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = Store::open(directory).unwrap().0;
        let tables = (store.table::<Left>(), store.table::<Right>());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, tables) = (store.clone(), tables.clone());
                tokio::spawn(async move {
                    let start = tables.0.count(&format!("{writer}/")) as u64;
                    let end = if is_pausing(round) { start + 40 } else { u64::MAX };
                    for number in start..end {
                        put_pair(&store, &tables, writer, number).await;
                        let mut output = std::io::stdout().lock();
                        writeln!(output, "ack {writer} {}", number + 1).unwrap();
                        output.flush().unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        // Idle, so that the journal is folded, until the kill comes.
        std::future::pending::<()>().await;
    });
}

async fn put_pair(store: &Store, (lefts, rights): &(Table<Left>, Table<Right>), writer: u64, number: u64) {
    let key = key_of(writer, number);
    let change = |tx: &mut Transaction<'_>| {
        tx.put(lefts, &key, Left { number, padding: padding(number) });
        tx.put(rights, &key, Right { number });
        Ok(())
    };
    store.transact::<(), StoreError>(change).await.unwrap();
}
