//! Event Grid for hubs: events of devices, delivered to the webhooks of event subscriptions.
//!
//! [`EventGrid::offer`] is called by routing for each event that a subscription may want; [`EventGrid::run`] delivers.
//! Subscriptions are written by Resource Manager, which lets [`EventGrid::validate`] ask each webhook first. Requests go to
//! configured addresses alone: redirects are not followed. Source: event-schema-iot-hub, webhook-event-delivery and
//! delivery-and-retry of Event Grid's documentation. What waits is bounded; with a data directory it is in the
//! subscription's outbox before it is acknowledged, and outlives the process.

mod delivery;
mod event;
mod filter;
mod handshake;
mod queue;
mod resume;
mod retry;
mod subscriptions;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use iolite_kernel::Ground;
use iolite_resources::{EventSubscription, Hub as HubRecord};
use iolite_store::streams::Appended;
use iolite_store::{StoreError, Table};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::outbox::{Kind, Outboxes, Place, Taken};
use crate::routing::{Routable, Source};
pub use event::EventType;
pub use handshake::HandshakeError;
use queue::Queues;
use subscriptions::Subscriptions;
pub use webhook::Webhooks;

/// How many webhooks are asked at one time.
const MOST_AT_ONCE: usize = 16;

/// The events of all hubs, on their way to webhooks.
pub struct EventGrid {
    subscriptions: Subscriptions,
    hubs: Table<HubRecord>,
    ground: Ground,
    webhooks: Arc<dyn Webhooks>,
    outboxes: Arc<Outboxes>,
    queues: Mutex<Queues>,
    changed: Notify,
    dropped: AtomicU64,
}

impl EventGrid {
    /// Event Grid for the hubs of `hubs` and the subscriptions of `subscriptions`, reaching webhooks through `webhooks`.
    #[must_use]
    pub fn new(
        hubs: Table<HubRecord>,
        subscriptions: Table<EventSubscription>,
        ground: Ground,
        webhooks: Arc<dyn Webhooks>,
    ) -> Self {
        Self {
            subscriptions: Subscriptions::new(subscriptions),
            hubs,
            ground,
            webhooks,
            outboxes: Arc::default(),
            queues: Mutex::new(Queues::new(true)),
            changed: Notify::new(),
            dropped: AtomicU64::new(0),
        }
    }

    /// The same with what waits kept in `outboxes`.
    #[must_use]
    pub(crate) fn with_outboxes(mut self, outboxes: Arc<Outboxes>) -> Self {
        self.queues = Mutex::new(Queues::new(!outboxes.are_kept()));
        self.outboxes = outboxes;
        self
    }

    /// Whether a subscription to the hub keyed `hub` may want events of `source`. Cheap: asked for every message.
    #[must_use]
    pub fn wants(&self, hub: &str, source: Source) -> bool {
        match source {
            Source::DeviceMessages | Source::DeviceLifecycleEvents | Source::DeviceConnectionStateEvents => {
                self.subscriptions.any(hub, source)
            }
            Source::TwinChangeEvents | Source::DeviceJobLifecycleEvents | Source::DigitalTwinChangeEvents => false,
        }
    }

    /// Queues `event` for every subscription that wants it; tells when it is safe, or why it is not taken, where that is
    /// to be waited for. Never waits itself; where too much waits already, the event is dropped.
    pub(crate) fn offer(&self, hub: &str, event: &Routable<'_>) -> Vec<Result<Appended, StoreError>> {
        let mut taken = Vec::new();
        let Some(kind) = EventType::of(event) else { return taken };
        let Some(record) = self.hubs.get(hub) else { return taken };
        let subscriptions = self.subscriptions.of(hub);
        let mut made = None;
        for (key, subscription) in &*subscriptions {
            if subscription.expires_at.is_some_and(|end| end <= event.at) || !filter::admits(subscription, kind, event)
            {
                continue;
            }
            let (event, kept) = made.get_or_insert_with(|| {
                let event = Arc::new(event::Event::new(&record, kind, event, &self.ground));
                let kept = self.outboxes.are_kept().then(|| serde_json::to_vec(&*event).unwrap_or_default());
                (event, kept)
            });
            taken.extend(self.take(key, subscription, event, kept.as_deref()));
        }
        if made.is_some() {
            self.changed.notify_one();
        }
        taken
    }

    /// Queues an event for one subscription; `kept` is what its outbox keeps of it, where it has one.
    fn take(
        &self,
        key: &Arc<str>,
        subscription: &EventSubscription,
        event: &Arc<event::Event>,
        kept: Option<&[u8]>,
    ) -> Taken {
        let now = self.ground.now();
        // Numbers are given under the lock, so that events are queued in their order.
        let mut queues = self.queues.lock();
        if !queues.has_room(key, event.weight) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let taken = kept.and_then(|kept| place(key).and_then(|place| self.outboxes.append(&place, 0, now, kept)));
        let number = match &taken {
            None => 0,
            Some(Ok(appended)) => appended.sequence,
            Some(Err(_)) => return taken,
        };
        if queues.are_live() {
            queues.push(key, subscription, event.clone(), now, number, None);
        } else {
            queues.note_came(key, number + 1);
        }
        taken
    }

    /// How many events were dropped since the process began: too many waited, or they could not be delivered in time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Asks the webhook of `subscription`, which is to be made for the hub `topic`, whether it wants events at all.
    pub async fn validate(&self, topic: &str, subscription: &EventSubscription) -> Result<(), HandshakeError> {
        handshake::shake_hands(self.webhooks.as_ref(), &self.ground, topic, subscription).await
    }

    /// Delivers what is queued when it is due, for as long as it is polled: one request a subscription at a time.
    pub async fn run(&self) {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < MOST_AT_ONCE
                && let Some(batch) = self.queues.lock().take_due(self.ground.now())
            {
                running.push(self.attempt(batch));
            }
            let due = self.queues.lock().next_due().filter(|_| running.len() < MOST_AT_ONCE);
            let wait = async {
                match due {
                    Some(at) => self.ground.wait_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(()) = running.next() => {}
                () = wait => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// One request, and what follows from its answer.
    async fn attempt(&self, batch: queue::Batch) {
        let current = self.subscriptions.find(&batch.key);
        let Some(subscription) = current else {
            // The subscription is gone, and its events with it.
            self.queues.lock().forget(&batch);
            return;
        };
        let outcome = delivery::deliver(self.webhooks.as_ref(), &subscription, &batch).await;
        let place = place(&batch.key);
        let (lost, progress) = self.queues.lock().settle(batch, &subscription, outcome, self.ground.now());
        if let (Some(place), Some(progress)) = (place, progress) {
            self.outboxes.settle(&place, 0, progress);
        }
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }
}

/// The outbox of the subscription under `key`.
fn place(key: &str) -> Option<Place> {
    key.split_once('/').map(|(hub, name)| Place::new(Kind::EventGrid, hub, name))
}

impl std::fmt::Debug for EventGrid {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventGrid").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
