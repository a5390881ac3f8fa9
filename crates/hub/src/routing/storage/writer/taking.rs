//! Events come in: into the outbox where there is one, and into the blob that is being filled.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Key, State, StorageWriter};
use crate::outbox::{Kind, Place, Taken};
use crate::routing::Routable;
use crate::routing::storage::StorageTarget;

impl StorageWriter {
    /// Adds `event` to the blob that `target` is being filled with; when it is safe, or why it is not taken.
    pub(crate) fn take(&self, hub: &str, target: &Arc<StorageTarget>, event: &Routable<'_>) -> Taken {
        let key = (Place::new(Kind::Storage, hub, &target.endpoint), event.partition);
        let record = if self.outboxes.are_kept() { event.to_bytes() } else { Vec::new() };
        // Numbers are given under the lock, so that events are in blobs in their order.
        let mut state = self.state.lock();
        let taken = self.outboxes.append(&key.0, event.partition, event.at, &record);
        let number = match &taken {
            None => 0,
            Some(Ok(appended)) => appended.sequence,
            Some(Err(_)) => return taken,
        };
        if state.is_live {
            self.gather(&mut state, key, target, event, number);
        } else {
            state.came.insert(key, number + 1);
        }
        taken
    }

    /// Adds an event that a process before this one was answerable for.
    pub(crate) fn take_again(&self, key: &Key, target: &Arc<StorageTarget>, event: &Routable<'_>, number: u64) {
        self.gather(&mut self.state.lock(), key.clone(), target, event, number);
    }

    /// Whether events go into blobs as they come.
    pub(crate) fn is_live(&self) -> bool {
        self.state.lock().is_live
    }

    /// Events go into blobs as they come from now on, if everything up to the numbers of `read` has been taken again; else
    /// what has not, and the number after its newest event.
    pub(crate) fn go_live(&self, read: &HashMap<Key, u64>) -> Result<(), (Key, u64)> {
        let mut state = self.state.lock();
        let behind = state.came.iter().find(|(key, next)| read.get(*key).is_none_or(|read| read < *next));
        if let Some((key, next)) = behind {
            return Err((key.clone(), *next));
        }
        state.is_live = true;
        state.came.clear();
        Ok(())
    }

    /// Forgets what waits: the world was put in another state, and the outboxes with it.
    pub(crate) fn start_over(&self) {
        let mut state = self.state.lock();
        // Numbers of blobs go on: one that is being written now must not be taken for a later one.
        let next_number = state.next_number;
        *state = State { is_live: !self.outboxes.are_kept(), next_number, ..State::default() };
        drop(state);
        self.changed.notify_one();
    }
}
