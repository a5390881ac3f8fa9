//! What waits to be delivered, subscription by subscription.
//!
//! Bounded in events and bytes. One batch of a subscription is under way at a time; a failed one goes back to its place and
//! holds up what is behind it until it may be tried again, as an unreachable webhook would fail that as well.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use iolite_kernel::{SignedDuration, Timestamp};
use iolite_resources::EventSubscription;

use super::event::Event;
use super::retry::{self, Outcome};
use crate::outbox::Progress;

/// How many events of one subscription wait at most.
const MOST_EVENTS: usize = 10_000;
/// How many bytes of events wait at most, of all subscriptions.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How many bytes one request has at most, beyond its first event.
const MOST_BATCH_BYTES: usize = 1024 * 1024;

/// All that waits.
#[derive(Default)]
pub(super) struct Queues {
    waiting: HashMap<Arc<str>, Queue>,
    bytes: usize,
    /// Whether events go from the outboxes into queues as they come; else what the last process left is being read, and
    /// here stands the number after the newest event that came meanwhile.
    is_live: bool,
    came: HashMap<Arc<str>, u64>,
    /// Grows when all is forgotten, so that a batch of before is known.
    generation: u64,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Waiting>,
    busy: bool,
    /// The next attempt is not made before.
    not_before: Option<Timestamp>,
    max_batch: usize,
    /// The number after the newest event.
    next: u64,
}

#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) event: Arc<Event>,
    pub(super) attempts: u32,
    /// Its number in the subscription's outbox; 0 where there is none.
    number: u64,
    /// After this moment it is given up.
    deadline: Timestamp,
}

/// Events of one subscription that go out together.
pub(super) struct Batch {
    pub(super) key: Arc<str>,
    pub(super) events: Vec<Waiting>,
    generation: u64,
}

impl Queues {
    /// Empty ones.
    pub(super) fn new(is_live: bool) -> Self {
        Self { is_live, ..Self::default() }
    }

    /// Forgets all that waits.
    pub(super) fn start_over(&mut self, is_live: bool) {
        *self = Self { is_live, generation: self.generation + 1, ..Self::default() };
    }

    /// Whether events are queued as they come.
    pub(super) const fn are_live(&self) -> bool {
        self.is_live
    }

    /// Notes that the event before `next` came while they are not.
    pub(super) fn note_came(&mut self, key: &Arc<str>, next: u64) {
        self.came.insert(key.clone(), next);
    }

    /// Events are queued as they come from now on, if everything up to the numbers of `read` has been queued; else what has
    /// not, and the number after its newest event.
    pub(super) fn go_live(&mut self, read: &HashMap<Arc<str>, u64>) -> Result<(), (Arc<str>, u64)> {
        let behind = self.came.iter().find(|(key, next)| read.get(*key).is_none_or(|read| read < *next));
        if let Some((key, next)) = behind {
            return Err((key.clone(), *next));
        }
        self.is_live = true;
        self.came.clear();
        Ok(())
    }

    /// Whether there is room for another event of so many bytes.
    pub(super) fn has_room(&self, key: &str, weight: usize) -> bool {
        let waiting = self.waiting.get(key).map_or(0, |queue| queue.events.len());
        waiting < MOST_EVENTS && self.bytes + weight <= MOST_BYTES
    }

    /// Adds the event of this number, which came at `at` and was tried as `progress` says where it is the first one there.
    pub(super) fn push(
        &mut self,
        key: &Arc<str>,
        subscription: &EventSubscription,
        event: Arc<Event>,
        at: Timestamp,
        number: u64,
        progress: Option<Progress>,
    ) {
        let queue = self.waiting.entry(key.clone()).or_default();
        queue.max_batch = usize::try_from(subscription.max_events_per_batch.max(1)).unwrap_or(1);
        queue.next = number + 1;
        let tried = progress.filter(|progress| progress.next == number);
        if let Some(tried) = tried {
            queue.not_before = tried.not_before;
        }
        let life = SignedDuration::from_mins(i64::from(subscription.event_time_to_live_minutes));
        let deadline = at.checked_add(life).unwrap_or(Timestamp::MAX);
        self.bytes += event.weight;
        let attempts = tried.map_or(0, |tried| tried.attempts);
        queue.events.push_back(Waiting { event, attempts, number, deadline });
    }

    /// Takes the next batch of a subscription whose turn it is.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Batch> {
        let is_due = |queue: &Queue| {
            !queue.busy && !queue.events.is_empty() && queue.not_before.is_none_or(|moment| moment <= now)
        };
        let (key, queue) = self.waiting.iter_mut().find(|(_, queue)| is_due(queue))?;
        queue.busy = true;
        let mut events: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        while events.len() < queue.max_batch
            && let Some(next) = queue.events.front()
            && (events.is_empty() || bytes + next.event.weight <= MOST_BATCH_BYTES)
        {
            bytes += next.event.weight;
            events.extend(queue.events.pop_front());
        }
        Some(Batch { key: key.clone(), events, generation: self.generation })
    }

    /// When the next batch is due; at once (the beginning of time) where one is.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.waiting.values().filter(|queue| !queue.busy && !queue.events.is_empty());
        waiting.map(|queue| queue.not_before.unwrap_or(Timestamp::MIN)).min()
    }

    /// Acts on what became of `batch`; how many events were given up, and how far the subscription is done.
    pub(super) fn settle(
        &mut self,
        batch: Batch,
        subscription: &EventSubscription,
        outcome: Outcome,
        now: Timestamp,
    ) -> (u64, Option<Progress>) {
        let Batch { key, events, generation } = batch;
        let known = if generation == self.generation { self.waiting.get_mut(&key) } else { None };
        let Some(queue) = known else { return (0, None) };
        queue.busy = false;
        queue.not_before = None;
        let mut lost = 0;
        for mut waiting in events.into_iter().rev() {
            waiting.attempts += 1;
            let over = now >= waiting.deadline || waiting.attempts >= subscription.max_delivery_attempts;
            match outcome {
                Outcome::Failed if !over => {
                    queue.not_before = Some(retry::next_attempt(waiting.attempts, now));
                    queue.events.push_front(waiting);
                    continue;
                }
                Outcome::Failed | Outcome::Refused => lost += 1,
                Outcome::Delivered => {}
            }
            self.bytes = self.bytes.saturating_sub(waiting.event.weight);
        }
        let progress = match queue.events.front() {
            Some(first) => Progress { next: first.number, attempts: first.attempts, not_before: queue.not_before },
            None => Progress::at(queue.next),
        };
        if queue.events.is_empty() {
            self.waiting.remove(&key);
        }
        (lost, Some(progress))
    }

    /// Drops a batch whose subscription is gone, and what waits behind it.
    pub(super) fn forget(&mut self, batch: &Batch) {
        if batch.generation != self.generation {
            return;
        }
        let behind = self.waiting.remove(&batch.key).map(|queue| queue.events).unwrap_or_default();
        let dropped: usize = batch.events.iter().chain(&behind).map(|waiting| waiting.event.weight).sum();
        self.bytes = self.bytes.saturating_sub(dropped);
    }

    /// About how many bytes wait or are under way.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
