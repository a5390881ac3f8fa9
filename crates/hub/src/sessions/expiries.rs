//! Which session's credential ends when: one ordered list, so that one task can wait for all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use iolite_kernel::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::sessions::Line;

/// The ends of all sessions that have one.
#[derive(Default)]
pub(crate) struct Expiries {
    ends: Mutex<BTreeMap<(Timestamp, u64), Weak<Line>>>,
    /// Tells the one who waits that an earlier end came.
    sooner: Notify,
}

impl Expiries {
    /// Makes `at` the end of `line`.
    pub(crate) fn set(&self, line: &Arc<Line>, at: Timestamp) {
        let mut ends = self.ends.lock();
        if let Some(before) = line.listed_end(Some(at)) {
            ends.remove(&(before, line.epoch));
        }
        let first = ends.first_key_value().is_none_or(|((first, _), _)| at < *first);
        ends.insert((at, line.epoch), Arc::downgrade(line));
        drop(ends);
        if first {
            self.sooner.notify_one();
        }
    }

    /// Forgets the end of `line`.
    pub(crate) fn clear(&self, line: &Line) {
        let mut ends = self.ends.lock();
        if let Some(before) = line.listed_end(None) {
            ends.remove(&(before, line.epoch));
        }
    }

    /// The next end of all.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.ends.lock().first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out every session that ends at `now` or before.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Arc<Line>> {
        let mut ends = self.ends.lock();
        let later = ends.split_off(&(now, u64::MAX));
        std::mem::replace(&mut *ends, later).into_values().filter_map(|line| line.upgrade()).collect()
    }

    /// Until an end came that is sooner than all others.
    pub(crate) async fn sooner(&self) {
        self.sooner.notified().await;
    }
}
