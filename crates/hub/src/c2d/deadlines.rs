//! When which message runs out, and when else the queues must be looked at: one list for the one task that waits.

use std::collections::BTreeSet;

use iolite_kernel::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The deadlines of all queues.
#[derive(Default)]
pub(crate) struct Deadlines {
    /// When to look, the message's own end, and its key. An entry without a key only asks to be looked at.
    list: Mutex<BTreeSet<(Timestamp, Timestamp, Box<str>)>>,
    sooner: Notify,
}

impl Deadlines {
    /// The message under `key` runs out at `at`.
    pub(crate) fn set(&self, at: Timestamp, key: &str) {
        self.insert(at, at, key);
    }

    /// The message under `key`, which runs out at `ends`, is looked at again at `at`.
    pub(crate) fn postpone(&self, at: Timestamp, ends: Timestamp, key: &str) {
        self.insert(at, ends, key);
    }

    /// The queues are looked at, at `at`.
    pub(crate) fn look_at(&self, at: Timestamp) {
        self.insert(at, at, "");
    }

    fn insert(&self, at: Timestamp, ends: Timestamp, key: &str) {
        let mut list = self.list.lock();
        let first = list.first().is_none_or(|(first, ..)| at < *first);
        list.insert((at, ends, key.into()));
        drop(list);
        if first {
            self.sooner.notify_one();
        }
    }

    /// Takes out what is due at `now`: messages by their keys, with their own ends.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<(Box<str>, Timestamp)> {
        let mut list = self.list.lock();
        let mut due = Vec::new();
        while list.first().is_some_and(|(at, ..)| *at <= now) {
            if let Some((_, ends, key)) = list.pop_first()
                && !key.is_empty()
            {
                due.push((key, ends));
            }
        }
        due
    }

    /// The next deadline of all.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.list.lock().first().map(|(at, ..)| *at)
    }

    /// Until a deadline came that is sooner than all others.
    pub(crate) async fn sooner(&self) {
        self.sooner.notified().await;
    }
}
