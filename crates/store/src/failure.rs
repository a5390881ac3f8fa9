//! An engine that fails: what the store does then.
//!
//! Tests with engines injected through the trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::engine::{Batch, Engine, EngineError, SnapshotRecord, Upkeep};
use crate::suite::{Device, try_put};
use crate::{Store, StoreError};

/// Appends nothing, and fails when it is told to.
struct Frail {
    is_immediate: bool,
    appends: Arc<AtomicUsize>,
    fail_at: usize,
    fails_upkeep: bool,
    panics: bool,
    /// Asked before each append, so that a test can let changes gather.
    gate: Option<mpsc::Receiver<()>>,
}

impl Frail {
    fn failing_at(fail_at: usize) -> Self {
        Self { is_immediate: false, appends: Arc::default(), fail_at, fails_upkeep: false, panics: false, gate: None }
    }
}

impl Engine for Frail {
    fn is_immediate(&self) -> bool {
        self.is_immediate
    }

    fn snapshot(&mut self, _visit: &mut dyn FnMut(SnapshotRecord<'_>)) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn read_from(&mut self, after: u64, _visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, EngineError> {
        Ok(after)
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), EngineError> {
        let appends = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(gate) = &self.gate {
            gate.recv().unwrap();
        }
        assert_eq!(batch.changes().flatten().count(), usize::try_from(batch.count).unwrap());
        assert!(!self.panics || appends < self.fail_at, "a bug in an engine");
        if appends >= self.fail_at { Err(EngineError::Io("the fsync failed".into())) } else { Ok(()) }
    }

    fn tend(&mut self, _idle: bool) -> Result<Upkeep, EngineError> {
        if self.fails_upkeep { Err(EngineError::Io("the disk is gone".into())) } else { Ok(Upkeep::Done) }
    }
}

fn is_failure(result: Result<u64, StoreError>) -> bool {
    matches!(result, Err(StoreError::Failed(_)))
}

async fn check_stop(frail: Frail) {
    let appends = Arc::clone(&frail.appends);
    let store = Store::with_engine(Box::new(frail)).unwrap().0;
    try_put(&store, "a", 1).await.unwrap();
    try_put(&store, "b", 1).await.unwrap();
    assert!(is_failure(try_put(&store, "c", 1).await));
    assert!(is_failure(try_put(&store, "d", 1).await));
    assert!(matches!(store.clear(|_| true).await, Err(StoreError::Failed(_))));
    assert_eq!(appends.load(Ordering::SeqCst), 3, "a failed engine is never tried again");
    assert!(store.table::<Device>().get("a").is_some(), "reading goes on");
    store.close().await;
    assert!(is_failure(try_put(&store, "e", 1).await), "the failure is not forgotten");
}

#[tokio::test]
async fn a_failed_append_stops_all_acknowledging_for_ever() {
    check_stop(Frail::failing_at(3)).await;
}

#[tokio::test]
async fn a_failed_immediate_engine_stops_too_and_shows_nothing_of_the_change() {
    let frail = Frail { is_immediate: true, ..Frail::failing_at(1) };
    let store = Store::with_engine(Box::new(frail)).unwrap().0;
    let mut changes = store.watch();
    assert!(is_failure(try_put(&store, "a", 1).await));
    assert_eq!(store.table::<Device>().count(""), 0);
    assert!(changes.try_recv().is_err());
    check_stop(Frail { is_immediate: true, ..Frail::failing_at(3) }).await;
}

#[tokio::test]
async fn failed_upkeep_stops_the_store_as_well() {
    let store = Store::with_engine(Box::new(Frail { fails_upkeep: true, ..Frail::failing_at(9) })).unwrap().0;
    // What was appended before the upkeep failed is acknowledged.
    try_put(&store, "a", 1).await.unwrap();
    let thread = store.clone();
    while try_put(&thread, "b", 1).await.is_ok() {}
    assert!(is_failure(try_put(&store, "c", 1).await));
}

#[tokio::test]
async fn changes_that_gather_are_appended_together_and_fail_together() {
    let (open, gate) = mpsc::channel();
    let frail = Frail { gate: Some(gate), ..Frail::failing_at(2) };
    let appends = Arc::clone(&frail.appends);
    let store = Store::with_engine(Box::new(frail)).unwrap().0;
    let mut changes = store.watch();
    let write = |number: u32| {
        let store = store.clone();
        tokio::spawn(async move { try_put(&store, &format!("{number}"), number).await })
    };
    let first = write(0);
    // The first append waits at the gate; what comes now gathers behind it.
    while appends.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (1..50).map(write).collect();
    while store.table::<Device>().count("") < 50 {
        tokio::task::yield_now().await;
    }
    assert!(!first.is_finished() && changes.try_recv().is_err(), "nothing is acknowledged or told too early");
    open.send(()).unwrap();
    open.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 1);
    for other in others {
        assert!(is_failure(other.await.unwrap()));
    }
    assert_eq!(appends.load(Ordering::SeqCst), 2, "forty-nine changes in one append");
    assert_eq!(changes.try_recv().unwrap().revision, 1);
    assert!(changes.try_recv().is_err(), "what failed is not told");
}

#[tokio::test]
async fn a_dropped_writer_does_not_take_its_change_along() {
    let (open, gate) = mpsc::channel();
    let store = Store::with_engine(Box::new(Frail { gate: Some(gate), ..Frail::failing_at(9) })).unwrap().0;
    let impatient = store.clone();
    let writer = tokio::spawn(async move { try_put(&impatient, "a", 1).await });
    while store.table::<Device>().count("") == 0 {
        tokio::task::yield_now().await;
    }
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    open.send(()).unwrap();
    open.send(()).unwrap();
    assert_eq!(try_put(&store, "b", 1).await.unwrap(), 2);
}

#[tokio::test]
async fn an_engine_that_panics_leaves_no_writer_waiting() {
    let store = Store::with_engine(Box::new(Frail { panics: true, ..Frail::failing_at(2) })).unwrap().0;
    try_put(&store, "a", 1).await.unwrap();
    assert!(try_put(&store, "b", 1).await.is_err());
    // The thread may still be unwinding when the writer wakes.
    store.close().await;
    assert!(try_put(&store, "c", 1).await.is_err());
}
