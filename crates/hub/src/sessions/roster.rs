//! Who is connected, by identity.
//!
//! Kept by the hub; a trait, so that processes which share a hub can keep it together. It decides nothing: the hub says
//! who comes and goes.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::RwLock;

use crate::sessions::Line;

/// Keeps the connections of identities.
pub(crate) trait Roster: Send + Sync {
    /// Makes `line` its identity's one connection; the one that was.
    fn claim(&self, line: &Arc<Line>) -> Option<Arc<Line>>;

    /// Lists a session that is not its identity's one connection, to be found by [`Roster::of`] and [`Roster::below`].
    fn admit(&self, line: &Arc<Line>);

    /// Strikes a session out; whether it was its identity's one connection.
    fn release(&self, line: &Line) -> bool;

    /// The one connection of the identity under `key`.
    fn find(&self, key: &str) -> Option<Arc<Line>>;

    /// All sessions of the identity under `key`.
    fn of(&self, key: &str) -> Vec<Arc<Line>>;

    /// All sessions of identities whose keys begin with `prefix`.
    fn below(&self, prefix: &str) -> Vec<Arc<Line>>;
}

/// So many parts lock each for itself.
const SHARDS: usize = 16;

/// The roster of one process.
#[derive(Default)]
pub(crate) struct MemoryRoster {
    hasher: RandomState,
    shards: [RwLock<HashMap<Arc<str>, Entry, RandomState>>; SHARDS],
}

/// The sessions of one identity.
#[derive(Default)]
struct Entry {
    seat: Option<Arc<Line>>,
    others: Vec<Arc<Line>>,
}

impl MemoryRoster {
    fn shard(&self, key: &str) -> &RwLock<HashMap<Arc<str>, Entry, RandomState>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 8 & 0xffff).unwrap_or_default();
        &self.shards[hash % SHARDS]
    }
}

impl Roster for MemoryRoster {
    fn claim(&self, line: &Arc<Line>) -> Option<Arc<Line>> {
        let mut shard = self.shard(&line.key).write();
        shard.entry(line.key.clone()).or_default().seat.replace(line.clone())
    }

    fn admit(&self, line: &Arc<Line>) {
        let mut shard = self.shard(&line.key).write();
        shard.entry(line.key.clone()).or_default().others.push(line.clone());
    }

    fn release(&self, line: &Line) -> bool {
        let mut shard = self.shard(&line.key).write();
        let Some(entry) = shard.get_mut(&line.key) else { return false };
        let was_seat = entry.seat.as_ref().is_some_and(|seat| seat.epoch == line.epoch);
        if was_seat {
            entry.seat = None;
        } else {
            entry.others.retain(|other| other.epoch != line.epoch);
        }
        if entry.seat.is_none() && entry.others.is_empty() {
            shard.remove(&line.key);
        }
        was_seat
    }

    fn find(&self, key: &str) -> Option<Arc<Line>> {
        self.shard(key).read().get(key)?.seat.clone()
    }

    fn of(&self, key: &str) -> Vec<Arc<Line>> {
        let shard = self.shard(key).read();
        shard.get(key).into_iter().flat_map(|entry| entry.seat.iter().chain(&entry.others)).cloned().collect()
    }

    fn below(&self, prefix: &str) -> Vec<Arc<Line>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read();
            let entries = shard.iter().filter(|(key, _)| key.starts_with(prefix));
            found.extend(entries.flat_map(|(_, entry)| entry.seat.iter().chain(&entry.others)).cloned());
        }
        found
    }
}
