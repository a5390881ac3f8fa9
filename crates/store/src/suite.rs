//! The one suite that every engine passes.
//!
//! Each test is run once over memory and once over a directory. It asks nothing of an engine that the trait does not
//! promise.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Change, Record, Snapshot, Store, StoreError, Table, Transaction};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) turn: u32,
}

impl Record for Device {
    const COLLECTION: &'static str = "test.devices";
}

/// A record whose JSON cannot be written when its key is not text.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Odd {
    numbers: BTreeMap<String, u32>,
    #[serde(default)]
    pairs: Option<BTreeMap<(u8, u8), u8>>,
}

impl Record for Odd {
    const COLLECTION: &'static str = "test.odd";
}

#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    Taken,
    Store(String),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

pub(crate) fn device(id: &str, turn: u32) -> Device {
    Device { id: id.to_owned(), turn }
}

/// Puts a device under its id and returns its revision.
pub(crate) async fn put(store: &Store, id: &str, turn: u32) -> u64 {
    try_put(store, id, turn).await.unwrap()
}

pub(crate) async fn try_put(store: &Store, id: &str, turn: u32) -> Result<u64, StoreError> {
    let devices = store.table::<Device>();
    store
        .transact(|tx| {
            tx.put(&devices, id, device(id, turn));
            Ok(tx.revision())
        })
        .await
}

fn keys(rows: Vec<(Arc<str>, crate::Versioned<Device>)>) -> Vec<String> {
    rows.into_iter().map(|(key, _)| key.to_string()).collect()
}

macro_rules! suite {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn what_was_put_is_read_with_its_revision() {
                let (store, _world) = $make;
                check_put_and_get(&store).await;
            }

            #[tokio::test]
            async fn a_transaction_that_fails_changes_nothing() {
                let (store, _world) = $make;
                check_failure(&store).await;
            }

            #[tokio::test]
            async fn a_transaction_sees_its_own_writes() {
                let (store, _world) = $make;
                check_own_writes(&store).await;
            }

            #[tokio::test]
            async fn a_panicking_closure_leaves_nothing_behind() {
                let (store, _world) = $make;
                check_panic(&store).await;
            }

            #[tokio::test]
            async fn a_record_that_cannot_be_written_fails_the_whole_change() {
                let (store, _world) = $make;
                check_unwritable(&store).await;
            }

            #[tokio::test]
            async fn watchers_are_told_what_was_committed_and_in_order() {
                let (store, _world) = $make;
                check_watch(&store).await;
            }

            #[tokio::test]
            async fn a_watcher_is_asked_once_the_tables_hold_the_change_and_told_what_concerns_it() {
                let (store, _world) = $make;
                check_concern(&store).await;
            }

            #[tokio::test]
            async fn a_world_is_put_back_as_it_was() {
                let (store, _world) = $make;
                check_export_and_import(&store).await;
            }

            #[tokio::test]
            async fn an_unreadable_snapshot_changes_nothing() {
                let (store, _world) = $make;
                check_unreadable_import(&store).await;
            }

            #[tokio::test]
            async fn clearing_takes_only_what_was_chosen() {
                let (store, _world) = $make;
                check_clear(&store).await;
            }

            #[tokio::test]
            async fn a_closed_store_refuses_changes_and_still_reads() {
                let (store, _world) = $make;
                check_close(&store).await;
            }

            #[tokio::test]
            async fn a_table_of_another_store_is_refused() {
                let (store, _world) = $make;
                check_foreign_table(&store).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn concurrent_changes_are_made_one_after_another() {
                let (store, _world) = $make;
                check_concurrency(store).await;
            }
        }
    };
}

suite!(memory, (Store::memory(), ()));
suite!(sqlite, {
    let directory = tempfile::tempdir().unwrap();
    (Store::open(directory.path()).unwrap().0, directory)
});

async fn check_put_and_get(store: &Store) {
    let devices = store.table::<Device>();
    assert!(devices.get("hub/a").is_none());
    let first = put(store, "hub/a", 1).await;
    let second = put(store, "hub/a", 2).await;
    assert!(second > first);
    let row = devices.get("hub/a").unwrap();
    assert_eq!((row.revision, row.turn), (second, 2));
    put(store, "hub/b", 1).await;
    put(store, "other/a", 1).await;
    assert_eq!(keys(devices.all("hub/")), ["hub/a", "hub/b"]);
    assert_eq!(keys(devices.page("hub/", Some("hub/a"), 5)), ["hub/b"]);
    assert_eq!((devices.count(""), devices.count("hub/"), devices.count("hub/b")), (3, 2, 1));
    assert!(store.table::<Device>().get("other/a").is_some(), "the same table is handed out again");
}

async fn check_failure(store: &Store) {
    let devices = store.table::<Device>();
    let revision = put(store, "a", 1).await;
    let refused: Result<(), Refused> = store
        .transact(|tx| {
            tx.put(&devices, "a", device("a", 2));
            tx.put(&devices, "b", device("b", 2));
            Err(Refused::Taken)
        })
        .await;
    assert_eq!(refused, Err(Refused::Taken));
    assert_eq!(devices.get("a").unwrap().turn, 1);
    assert!(devices.get("b").is_none());
    assert_eq!(put(store, "c", 1).await, revision + 1, "a refused change takes no revision");
}

async fn check_own_writes(store: &Store) {
    let devices = store.table::<Device>();
    for id in ["a", "b", "c", "d"] {
        put(store, id, 1).await;
    }
    let look = |tx: &mut Transaction<'_>| -> Result<(), StoreError> {
        tx.put(&devices, "a", device("a", 2));
        tx.delete(&devices, "b");
        tx.put(&devices, "bb", device("bb", 2));
        tx.put(&devices, "e", device("e", 2));
        tx.delete(&devices, "absent");
        assert_eq!(tx.get(&devices, "a").map(|row| (row.turn, row.revision)), Some((2, tx.revision())));
        assert!(tx.get(&devices, "b").is_none());
        assert_eq!(keys(tx.all(&devices, "")), ["a", "bb", "c", "d", "e"]);
        assert_eq!(keys(tx.page(&devices, "", Some("a"), 2)), ["bb", "c"]);
        assert_eq!((tx.count(&devices, ""), tx.count(&devices, "b")), (5, 1));
        assert_eq!(devices.get("a").unwrap().turn, 1, "the table does not show it yet");
        Ok(())
    };
    store.transact(look).await.unwrap();
    assert_eq!(keys(devices.all("")), ["a", "bb", "c", "d", "e"]);
}

async fn check_panic(store: &Store) {
    let again = store.clone();
    let panicked = tokio::spawn(async move {
        let devices = again.table::<Device>();
        let change = |tx: &mut Transaction<'_>| -> Result<(), StoreError> {
            tx.put(&devices, "a", device("a", 1));
            panic!("a bug in a service");
        };
        again.transact(change).await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(put(store, "b", 1).await, 1);
    assert_eq!(keys(store.table::<Device>().all("")), ["b"]);
}

async fn check_unwritable(store: &Store) {
    let (devices, odds) = (store.table::<Device>(), store.table::<Odd>());
    let change = |tx: &mut Transaction<'_>| {
        tx.put(&devices, "a", device("a", 1));
        let odd = Odd { numbers: BTreeMap::new(), pairs: Some(BTreeMap::from([((1, 2), 3)])) };
        tx.put(&odds, "odd", odd);
        Ok(())
    };
    let error = store.transact::<(), StoreError>(change).await.unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { collection: "test.odd", .. }), "{error}");
    assert!(devices.get("a").is_none());
    assert_eq!(put(store, "a", 1).await, 1);
}

async fn check_watch(store: &Store) {
    put(store, "before", 1).await;
    let mut changes = store.watch();
    let second = put(store, "a", 1).await;
    let third = put(store, "b", 1).await;
    store.clear(|_| true).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 3 {
        let change = changes.recv().await.unwrap();
        assert_eq!(&*change.collection, Device::COLLECTION);
        told.push((change.key.map(|key| key.to_string()), change.revision));
    }
    assert_eq!(told, [(Some("a".to_owned()), second), (Some("b".to_owned()), third), (None, third + 1)]);
}

async fn check_concern(store: &Store) {
    let devices = store.table::<Device>();
    let is_late = move |change: &Change| {
        let key = change.key.as_deref().unwrap_or_default();
        devices.get(key).is_some_and(|device| device.turn > 1)
    };
    let mut changes = store.watch_where(&[Device::COLLECTION], is_late);
    put(store, "a", 1).await;
    let second = put(store, "a", 2).await;
    assert_eq!(changes.recv().await.unwrap().revision, second);
    store.clear(|_| true).await.unwrap();
    assert_eq!(changes.recv().await.unwrap().key, None);
    assert!(changes.try_recv().is_err());
}

async fn check_export_and_import(store: &Store) {
    let devices = store.table::<Device>();
    put(store, "a", 1).await;
    put(store, "b", 1).await;
    let snapshot = Snapshot::from_bytes(&store.export().to_bytes()).unwrap();
    put(store, "a", 2).await;
    let last = put(store, "c", 2).await;
    store.import(snapshot.clone(), |collection| collection != Device::COLLECTION).await.unwrap();
    assert_eq!(devices.count(""), 3, "what was not chosen stays");
    store.import(snapshot.clone(), |_| true).await.unwrap();
    assert_eq!(keys(devices.all("")), ["a", "b"]);
    let row = devices.get("a").unwrap();
    assert_eq!(row.turn, 1);
    assert!(row.revision > last, "revisions only grow");
    assert_eq!(store.export(), snapshot);
}

async fn check_unreadable_import(store: &Store) {
    put(store, "a", 1).await;
    let mut snapshot = store.export();
    snapshot.insert(Device::COLLECTION, Arc::from("b"), b"{}"[..].into());
    let error = store.import(snapshot, |_| true).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unreadable { key, .. } if key == "b"), "{error}");
    assert_eq!(keys(store.table::<Device>().all("")), ["a"]);
    assert_eq!(put(store, "b", 1).await, 2);
}

async fn check_clear(store: &Store) {
    let odds: Table<Odd> = store.table();
    put(store, "a", 1).await;
    let change = |tx: &mut Transaction<'_>| {
        tx.put(&odds, "odd", Odd { numbers: BTreeMap::new(), pairs: None });
        Ok(())
    };
    store.transact::<(), StoreError>(change).await.unwrap();
    store.clear(|collection| collection == Device::COLLECTION).await.unwrap();
    assert_eq!((store.table::<Device>().count(""), odds.count("")), (0, 1));
}

async fn check_close(store: &Store) {
    put(store, "a", 1).await;
    store.close().await;
    store.close().await;
    assert!(matches!(try_put(store, "b", 1).await, Err(StoreError::Closed)));
    assert!(matches!(store.clear(|_| true).await, Err(StoreError::Closed)));
    assert_eq!(keys(store.table::<Device>().all("")), ["a"]);
}

async fn check_foreign_table(store: &Store) {
    let (devices, foreign) = (store.table::<Device>(), Store::memory().table::<Device>());
    let change = |tx: &mut Transaction<'_>| {
        tx.put(&devices, "a", device("a", 1));
        tx.put(&foreign, "b", device("b", 1));
        Ok(())
    };
    let error = store.transact::<(), StoreError>(change).await.unwrap_err();
    assert!(matches!(error, StoreError::ForeignTable { collection: Device::COLLECTION }), "{error}");
    assert_eq!(devices.count(""), 0);
}

async fn check_concurrency(store: Store) {
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let devices = store.table::<Device>();
                let raise = |tx: &mut Transaction<'_>| {
                    let turn = tx.get(&devices, "shared").map_or(0, |row| row.turn);
                    tx.put(&devices, "shared", device("shared", turn + 1));
                    Ok(tx.revision())
                };
                let mut last = 0;
                for _ in 0..20 {
                    let revision = store.transact::<u64, StoreError>(raise).await.unwrap();
                    assert!(revision > last);
                    last = revision;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let row = store.table::<Device>().get("shared").unwrap();
    assert_eq!((row.turn, row.revision), (640, 640));
}
