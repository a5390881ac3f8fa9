//! Who holds which waiting message, and until when.
//!
//! Locks are of this process: after a restart nobody holds anything, and what was under lock is delivered again.

use std::collections::HashMap;

use iolite_kernel::Timestamp;
use parking_lot::Mutex;

/// How long a message stays locked for whoever took it, in seconds (documented: fixed).
pub(crate) const LOCK_SECONDS: i64 = 60;

/// The locks of all queues.
#[derive(Default)]
pub(crate) struct Locks {
    held: Mutex<HashMap<String, Lock>>,
}

#[derive(Debug, Clone)]
struct Lock {
    token: String,
    until: Timestamp,
    /// The connection that holds it; none over HTTPS.
    line: Option<u64>,
}

impl Locks {
    /// Locks the message under `key`, unless somebody holds it at `now`.
    pub(crate) fn take(&self, key: &str, token: &str, now: Timestamp, until: Timestamp, line: Option<u64>) -> bool {
        let mut held = self.held.lock();
        if held.get(key).is_some_and(|lock| lock.until > now) {
            return false;
        }
        held.insert(key.to_owned(), Lock { token: token.to_owned(), until, line });
        true
    }

    /// Until when somebody holds the message under `key`.
    pub(crate) fn held_until(&self, key: &str, now: Timestamp) -> Option<Timestamp> {
        self.held.lock().get(key).map(|lock| lock.until).filter(|until| *until > now)
    }

    /// Takes the lock `token` out of the queue whose keys begin with `queue`; the message that it held.
    pub(crate) fn release(&self, queue: &str, token: &str, now: Timestamp) -> Option<String> {
        let mut held = self.held.lock();
        let mine = |(key, lock): &(&String, &Lock)| lock.token == token && key.starts_with(queue) && lock.until > now;
        let key = held.iter().find(mine).map(|(key, _)| key.clone())?;
        held.remove(&key);
        Some(key)
    }

    /// Lets go of the message under `key`.
    pub(crate) fn drop(&self, key: &str) {
        self.held.lock().remove(key);
    }

    /// Lets go of all that a connection holds; whether it held anything.
    pub(crate) fn drop_of(&self, line: u64) -> bool {
        let mut held = self.held.lock();
        let before = held.len();
        if before > 0 {
            held.retain(|_, lock| lock.line != Some(line));
        }
        held.len() != before
    }

    /// Forgets locks that have run out; the keys that were free again by that, and when the next one runs out.
    pub(crate) fn expire(&self, now: Timestamp) -> (Vec<String>, Option<Timestamp>) {
        let mut held = self.held.lock();
        let mut free = Vec::new();
        held.retain(|key, lock| {
            let keeps = lock.until > now;
            if !keeps {
                free.push(key.clone());
            }
            keeps
        });
        (free, held.values().map(|lock| lock.until).min())
    }
}
