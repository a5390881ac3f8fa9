//! What the last process was still to deliver, queued again from the outboxes.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_resources::EventSubscription;
use iolite_store::StoreError;
use iolite_store::streams::StreamRecord;

use super::event::Event;
use super::{EventGrid, place};
use crate::outbox::{Kind, Place, Progress};

impl EventGrid {
    /// Forgets what waits: the world was put in another state, and the outboxes with it.
    pub(crate) fn start_over(&self) {
        self.queues.lock().start_over(!self.outboxes.are_kept());
    }

    /// Whether the subscription that the outbox is for is there.
    pub(crate) fn has_subscription(&self, place: &Place) -> bool {
        self.subscriptions.find(&EventSubscription::key(&place.hub, &place.name)).is_some()
    }

    /// Queues again what waits in the outboxes, and then lets events be queued as they come. What waits for a
    /// subscription that is gone is left alone.
    pub(crate) async fn resume(&self) {
        let mut read: HashMap<Arc<str>, u64> = HashMap::new();
        while !self.queues.lock().are_live() {
            for place in self.outboxes.of_kind(Kind::EventGrid) {
                let key: Arc<str> = EventSubscription::key(&place.hub, &place.name).into();
                if self.subscriptions.find(&key).is_none() {
                    read.insert(key, u64::MAX);
                    continue;
                }
                let progress = self.outboxes.progress(&place, 0);
                let next = read.entry(key.clone()).or_insert(progress.next);
                if let Err(error) = self.read_again(&place, &key, progress, next).await {
                    tracing::error!(%error, subscription = %key, "what waits for a webhook cannot be read");
                    *next = u64::MAX;
                }
            }
            let behind = self.queues.lock().go_live(&read);
            let Err((key, next)) = behind else { break };
            // It was taken a moment ago and is not on the disk yet.
            let waited = match place(&key) {
                Some(place) => self.outboxes.wait_for(&place, 0, next).await,
                None => Ok(()),
            };
            if waited.is_err() {
                read.insert(key, u64::MAX);
            }
        }
        self.changed.notify_one();
    }

    /// Queues what is kept for the subscription under `key` from the number `next` on, which moves to the end.
    async fn read_again(
        &self,
        place: &Place,
        key: &Arc<str>,
        progress: Progress,
        next: &mut u64,
    ) -> Result<(), StoreError> {
        loop {
            let records = self.outboxes.read(place, 0, *next).await?;
            if records.is_empty() {
                return Ok(());
            }
            let Some(subscription) = self.subscriptions.find(key) else {
                *next = u64::MAX;
                return Ok(());
            };
            for record in records {
                *next = record.sequence + 1;
                self.queue_again(key, &subscription, &record, progress);
            }
        }
    }

    fn queue_again(&self, key: &Arc<str>, subscription: &EventSubscription, record: &StreamRecord, progress: Progress) {
        match serde_json::from_slice::<Event>(&record.body) {
            Ok(event) => {
                let (at, number) = (record.enqueued_at, record.sequence);
                self.queues.lock().push(key, subscription, Arc::new(event), at, number, Some(progress));
            }
            Err(error) => {
                tracing::error!(%error, subscription = %key, "an event that waits for a webhook cannot be read");
            }
        }
    }
}
