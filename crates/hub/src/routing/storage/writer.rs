//! Gathers events for storage containers and writes their blobs when they are full or due.
//!
//! Taking an event never waits. One task writes, for all hubs; a blob that cannot be written is tried again with growing
//! pauses for a day, and what waits is bounded: the oldest blobs go first, and the endpoint is dead until one is written.
//! With a data directory an event is in its endpoint's outbox before it is acknowledged, and is done with when its blob is.

mod taking;
mod track;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use iolite_kernel::{Ground, SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::StorageTarget;
use super::batch::{Batch, Blob};
use super::name::numbered;
use crate::blobs::{Blobs, StorageTokens};
use crate::outbox::{Outboxes, Place};
use crate::routing::Routable;
use crate::routing::health::HealthBook;
use track::Track;

/// How many bytes of blobs that are being filled are held; beyond, the largest is written early.
const MOST_OPEN_BYTES: usize = 64 * 1024 * 1024;
/// How many bytes of full blobs may wait.
const MOST_WAITING_BYTES: usize = 128 * 1024 * 1024;
/// The first pause after a failure, and the longest.
const PAUSE_SECONDS: (i64, i64) = (5, 300);
/// For how long it is tried to write a blob, from its first event on. In Azure an endpoint is dead after an hour, and its
/// messages are dropped "after several retries" (resource logs of message routing).
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// For how long a container's signature is good.
const SIGNATURE_MINUTES: i64 = 60;

/// The endpoint and the partition that a blob is of.
pub(crate) type Key = (Place, u32);

/// How containers are reached.
#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) blobs: Arc<dyn Blobs>,
    /// What the identities of hubs show where no key signs.
    pub(crate) tokens: Arc<dyn StorageTokens>,
}

/// Writes the blobs of every storage endpoint.
pub(crate) struct StorageWriter {
    ground: Ground,
    storage: Storage,
    health: Arc<HealthBook>,
    outboxes: Arc<Outboxes>,
    state: Mutex<State>,
    changed: Notify,
    /// Held by the one who writes.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Whether events go from the outboxes into blobs as they come; else what the last process left is being read, and
    /// here stands the number after the newest event that came meanwhile.
    is_live: bool,
    came: HashMap<Key, u64>,
    tracks: HashMap<Key, Track>,
    open: HashMap<Key, Batch>,
    open_bytes: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Not before this moment is anything tried, after a failure.
    resume_at: Option<Timestamp>,
    failures: u32,
    next_number: u64,
}

/// A full blob; it stays in the queue until it is written, so that nobody who stops waiting loses it.
#[derive(Clone)]
struct Waiting {
    number: u64,
    key: Key,
    blob: Blob,
}

impl StorageWriter {
    pub(crate) fn new(ground: Ground, storage: Storage, health: Arc<HealthBook>, outboxes: Arc<Outboxes>) -> Self {
        let state = State { is_live: !outboxes.are_kept(), ..State::default() };
        Self {
            ground,
            storage,
            health,
            outboxes,
            state: Mutex::new(state),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn gather(&self, state: &mut State, key: Key, target: &Arc<StorageTarget>, event: &Routable<'_>, number: u64) {
        let stale = |batch: &Batch| !batch.is_for(target) || batch.due_at() <= event.at;
        if state.open.get(&key).is_some_and(stale) {
            self.close(state, &key);
        }
        let fresh = !state.open.contains_key(&key);
        let batch = state.open.entry(key.clone()).or_insert_with(|| Batch::new(target.clone(), event, number));
        let (before, first) = (batch.bytes(), batch.first());
        let full = batch.add(event);
        let added = batch.bytes() - before;
        state.open_bytes += added;
        if self.outboxes.are_kept() {
            state.tracks.entry(key.clone()).or_default().note(first, number);
        }
        if full {
            self.close(state, &key);
        }
        let crowded = state.open_bytes > MOST_OPEN_BYTES;
        if crowded && let Some(largest) = largest_of(&state.open) {
            self.close(state, &largest);
        }
        if full || crowded || fresh {
            self.changed.notify_one();
        }
    }

    /// Drops what a hub that was deleted has left.
    pub(crate) fn forget(&self, hub: &str) {
        self.forget_where(|place| &*place.hub == hub);
    }

    /// Drops what waits for the endpoints that `which` chooses.
    pub(crate) fn forget_where(&self, which: impl Fn(&Place) -> bool) {
        let mut state = self.state.lock();
        state.came.retain(|(place, _), _| !which(place));
        state.tracks.retain(|(place, _), _| !which(place));
        state.open.retain(|(place, _), _| !which(place));
        state.open_bytes = state.open.values().map(Batch::bytes).sum();
        state.waiting.retain(|waiting| !which(&waiting.key.0));
        state.waiting_bytes = state.waiting.iter().map(|waiting| waiting.blob.content.len()).sum();
    }

    /// Writes blobs when they are due, for as long as it is polled.
    pub(crate) async fn run(&self) {
        loop {
            let Some(at) = self.next_moment() else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = self.ground.wait_until(at) => {}
                () = self.changed.notified() => continue,
            }
            self.close_due(self.ground.now());
            self.write_waiting().await;
        }
    }

    /// Closes every batch and tries once to write what waits.
    pub(crate) async fn flush(&self) {
        self.close_due(Timestamp::MAX);
        self.state.lock().resume_at = None;
        self.write_waiting().await;
        self.outboxes.save().await;
    }

    /// When there is something to do.
    fn next_moment(&self) -> Option<Timestamp> {
        let state = self.state.lock();
        let due = state.open.values().map(Batch::due_at).min();
        let waiting = (!state.waiting.is_empty()).then(|| state.resume_at.unwrap_or(Timestamp::MIN));
        due.into_iter().chain(waiting).min()
    }

    fn close_due(&self, now: Timestamp) {
        let mut state = self.state.lock();
        let due: Vec<_> =
            state.open.iter().filter(|(_, batch)| batch.due_at() <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.close(&mut state, &key);
        }
    }

    fn close(&self, state: &mut State, key: &Key) {
        let Some(batch) = state.open.remove(key) else { return };
        state.open_bytes -= batch.bytes();
        let blob = batch.close(self.ground.entropy.as_ref());
        state.waiting_bytes += blob.content.len();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back(Waiting { number, key: key.clone(), blob });
        while state.waiting_bytes > MOST_WAITING_BYTES
            && let Some(oldest) = state.waiting.pop_front()
        {
            self.drop_blob(state, &oldest, "Events were dropped: too many wait for the container to be reached.");
        }
    }

    /// Gives up a blob that is no longer in the queue.
    fn drop_blob(&self, state: &mut State, waiting: &Waiting, why: &str) {
        self.done(state, waiting);
        self.health.failed(&waiting.key.0.hub, &waiting.blob.target.endpoint, self.ground.now(), why, true);
    }

    /// Counts off a blob that is no longer in the queue: its events are delivered or given up.
    fn done(&self, state: &mut State, waiting: &Waiting) {
        state.waiting_bytes -= waiting.blob.content.len();
        if let Some(track) = state.tracks.get_mut(&waiting.key) {
            let (place, partition) = &waiting.key;
            self.outboxes.settle(place, *partition, track.settle(waiting.blob.first));
        }
    }

    /// Writes what waits, the oldest first, until there is no more or one cannot be written.
    async fn write_waiting(&self) {
        let _turn = self.turn.lock().await;
        loop {
            let now = self.ground.now();
            let Some(waiting) = self.first_waiting(now) else { return };
            let written = self.write(&waiting.key.0.hub, &waiting.blob, now).await;
            self.settle(&waiting, written, now);
        }
    }

    fn first_waiting(&self, now: Timestamp) -> Option<Waiting> {
        let state = self.state.lock();
        if state.resume_at.is_some_and(|at| now < at) { None } else { state.waiting.front().cloned() }
    }

    fn settle(&self, waiting: &Waiting, written: Result<(), String>, now: Timestamp) {
        let mut state = self.state.lock();
        // A hub that was deleted meanwhile has taken its blobs along.
        let Some(place) = state.waiting.iter().position(|known| known.number == waiting.number) else { return };
        let removed = state.waiting.remove(place);
        let (hub, endpoint) = (&waiting.key.0.hub, &waiting.blob.target.endpoint);
        let Err(why) = written else {
            (state.failures, state.resume_at) = (0, None);
            self.done(&mut state, waiting);
            self.health.sent(hub, endpoint, now);
            return;
        };
        state.resume_at = now.checked_add(pause(state.failures)).ok();
        state.failures += 1;
        if now.duration_since(waiting.blob.begun_at) > PATIENCE {
            let why = format!("Events were dropped after a day of trying to write them: {why}");
            self.drop_blob(&mut state, waiting, &why);
        } else {
            self.health.failed(hub, endpoint, now, &why, false);
            // To the back: a container that is gone does not hold up the others.
            state.waiting.extend(removed);
        }
    }

    async fn write(&self, hub: &str, blob: &Blob, now: Timestamp) -> Result<(), String> {
        let expires_at = now.checked_add(SignedDuration::from_mins(SIGNATURE_MINUTES)).unwrap_or(Timestamp::MAX);
        let container = blob.target.container(hub, expires_at, self.storage.tokens.as_ref()).await?;
        let mut name = blob.name.clone();
        let mut number = 1;
        while self.storage.blobs.length(&container, &name).await.map_err(|error| error.to_string())?.is_some() {
            number += 1;
            name = numbered(&blob.name, number);
        }
        let kind = blob.target.encoding.content_type();
        let put = self.storage.blobs.put(&container, &name, kind, blob.content.clone());
        put.await.map_err(|error| error.to_string())
    }
}

fn largest_of(open: &HashMap<Key, Batch>) -> Option<Key> {
    open.iter().max_by_key(|(_, batch)| batch.bytes()).map(|(key, _)| key.clone())
}

fn pause(failures: u32) -> SignedDuration {
    let (first, longest) = PAUSE_SECONDS;
    SignedDuration::from_secs(first.saturating_mul(1 << failures.min(16)).min(longest))
}

#[cfg(test)]
mod tests;
