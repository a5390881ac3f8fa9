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

/// How many events of one subscription wait at most.
const MOST_EVENTS: usize = 10_000;
/// How many bytes of events wait at most, of all subscriptions.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How many bytes one request has at most, beyond its first event.
const MOST_BATCH_BYTES: usize = 1024 * 1024;

/// All that waits.
#[derive(Default)]
pub(super) struct Queues {
    queues: HashMap<Arc<str>, Queue>,
    bytes: usize,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Waiting>,
    busy: bool,
    /// The next attempt is not made before.
    not_before: Option<Timestamp>,
    max_batch: usize,
}

#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) event: Arc<Event>,
    pub(super) attempts: u32,
    /// After this moment it is given up.
    deadline: Timestamp,
}

/// Events of one subscription that go out together.
pub(super) struct Batch {
    pub(super) key: Arc<str>,
    pub(super) events: Vec<Waiting>,
}

impl Queues {
    /// Adds an event; `false` where there is no more room.
    pub(super) fn push(
        &mut self,
        key: &Arc<str>,
        subscription: &EventSubscription,
        event: Arc<Event>,
        now: Timestamp,
    ) -> bool {
        let queue = self.queues.entry(key.clone()).or_default();
        if queue.events.len() >= MOST_EVENTS || self.bytes + event.weight > MOST_BYTES {
            return false;
        }
        queue.max_batch = usize::try_from(subscription.max_events_per_batch.max(1)).unwrap_or(1);
        let life = SignedDuration::from_mins(i64::from(subscription.event_time_to_live_minutes));
        let deadline = now.checked_add(life).unwrap_or(Timestamp::MAX);
        self.bytes += event.weight;
        queue.events.push_back(Waiting { event, attempts: 0, deadline });
        true
    }

    /// Takes the next batch of a subscription whose turn it is.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Batch> {
        let is_due = |queue: &Queue| {
            !queue.busy && !queue.events.is_empty() && queue.not_before.is_none_or(|moment| moment <= now)
        };
        let (key, queue) = self.queues.iter_mut().find(|(_, queue)| is_due(queue))?;
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
        Some(Batch { key: key.clone(), events })
    }

    /// When the next batch is due; at once (the beginning of time) where one is.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.queues.values().filter(|queue| !queue.busy && !queue.events.is_empty());
        waiting.map(|queue| queue.not_before.unwrap_or(Timestamp::MIN)).min()
    }

    /// Acts on what became of `batch`; how many events were given up.
    pub(super) fn settle(
        &mut self,
        batch: Batch,
        subscription: &EventSubscription,
        outcome: Outcome,
        now: Timestamp,
    ) -> u64 {
        let Batch { key, events } = batch;
        let Some(queue) = self.queues.get_mut(&key) else { return 0 };
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
        if queue.events.is_empty() {
            self.queues.remove(&key);
        }
        lost
    }

    /// Drops a batch whose subscription is gone, and what waits behind it.
    pub(super) fn forget(&mut self, batch: &Batch) {
        let behind = self.queues.remove(&batch.key).map(|queue| queue.events).unwrap_or_default();
        let dropped: usize = batch.events.iter().chain(&behind).map(|waiting| waiting.event.weight).sum();
        self.bytes = self.bytes.saturating_sub(dropped);
    }

    /// About how many bytes wait or are under way.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
