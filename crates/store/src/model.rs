//! Random lives of a store, compared with a map.
//!
//! A property test: whatever changes, failures, folds, closes and crashes come in whatever order, the store holds what a
//! plain map holds.

use proptest::prelude::*;
use tempfile::TempDir;

use crate::durability::{Content, content, fold};
use crate::suite::{Device, Refused, device};
use crate::{Snapshot, Store, Transaction};

#[derive(Debug, Clone)]
enum Step {
    /// Puts and deletes, kept if the flag says so.
    Change(Vec<(u8, Option<u32>)>, bool),
    Clear,
    /// Takes a copy, makes the change, puts the copy back.
    Restore(u8, u32),
    Close,
    Crash,
    Fold(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..40_u8, proptest::option::weighted(0.7, any::<u32>()));
    prop_oneof![
        12 => (proptest::collection::vec(write, 0..9), proptest::bool::weighted(0.9))
            .prop_map(|(writes, kept)| Step::Change(writes, kept)),
        1 => Just(Step::Clear),
        1 => (0..40_u8, any::<u32>()).prop_map(|(key, turn)| Step::Restore(key, turn)),
        2 => Just(Step::Close),
        2 => Just(Step::Crash),
        3 => (1..5_usize).prop_map(Step::Fold),
    ]
}

fn key(number: u8) -> String {
    format!("hub-{}/device-{number}", number % 3)
}

/// A store on a directory, and the map that it is compared with.
struct Life {
    directory: TempDir,
    store: Option<Store>,
    expected: Content,
    revision: u64,
}

impl Life {
    fn begin() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), store: None, expected: Content::new(), revision: 0 }
    }

    fn store(&mut self) -> Store {
        let directory = self.directory.path();
        self.store.get_or_insert_with(|| Store::open(directory).unwrap().0).clone()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Change(writes, kept) => self.change(&writes, kept).await,
            Step::Clear => {
                if !self.expected.is_empty() {
                    self.revision += 1;
                }
                self.expected.clear();
                self.store().clear(|_| true).await.unwrap();
            }
            Step::Restore(number, turn) => {
                let copy = Snapshot::from_bytes(&self.store().export().to_bytes()).unwrap();
                let before = self.expected.clone();
                self.change(&[(number, Some(turn))], true).await;
                self.store().import(copy, |_| true).await.unwrap();
                (self.expected, self.revision) = (before, self.revision + 1);
            }
            Step::Close => {
                self.store().close().await;
                self.store = None;
            }
            Step::Crash => self.crash(),
            Step::Fold(pieces) => {
                self.store().close().await;
                self.store = None;
                fold(self.directory.path(), pieces);
            }
        }
    }

    async fn change(&mut self, writes: &[(u8, Option<u32>)], kept: bool) {
        let store = self.store();
        let devices = store.table::<Device>();
        let change = |tx: &mut Transaction<'_>| {
            for (number, turn) in writes {
                match turn {
                    Some(turn) => tx.put(&devices, &key(*number), device("x", *turn)),
                    None => tx.delete(&devices, &key(*number)),
                }
                assert_eq!(tx.get(&devices, &key(*number)).map(|row| row.turn), *turn);
            }
            if kept { Ok(()) } else { Err(Refused::Taken) }
        };
        assert_eq!(store.transact(change).await.is_ok(), kept);
        if kept {
            let mut wrote = false;
            for (number, turn) in writes {
                wrote |= match turn {
                    Some(turn) => {
                        self.expected.insert(key(*number), *turn);
                        true
                    }
                    None => self.expected.remove(&key(*number)).is_some(),
                };
            }
            self.revision += u64::from(wrote);
        }
    }

    /// Goes on with a copy of the files as they are while the store runs.
    fn crash(&mut self) {
        drop(self.store());
        let copy = tempfile::tempdir().unwrap();
        for name in ["state.sqlite", "state.sqlite-wal"] {
            std::fs::copy(self.directory.path().join(name), copy.path().join(name)).unwrap();
        }
        self.store = None;
        self.directory = copy;
    }

    fn check(&mut self) {
        let store = self.store();
        assert_eq!(content(&store), self.expected);
        let devices = store.table::<Device>();
        for hub in 0..3 {
            let prefix = format!("hub-{hub}/");
            assert_eq!(devices.count(&prefix), self.expected.keys().filter(|key| key.starts_with(&prefix)).count());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_holds_what_a_map_holds(steps in proptest::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut life = Life::begin();
            for step in steps {
                life.take(step).await;
                life.check();
            }
            life.crash();
            let (store, recovery) = Store::open(life.directory.path()).unwrap();
            assert_eq!(content(&store), life.expected);
            assert_eq!((recovery.records, recovery.revision), (life.expected.len(), life.revision));
            assert_eq!(recovery.torn_tail, None);
        });
    }
}
