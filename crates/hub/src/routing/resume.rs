//! What the last process had still to write into containers, taken again from the outboxes.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_messaging::HubEvent;
use iolite_store::StoreError;
use iolite_store::streams::StreamRecord;

use super::endpoint::Target;
use super::storage::{Key, StorageTarget};
use super::{Routable, Routing, Source};
use crate::outbox::{Kind, Place};

impl Routing {
    /// Forgets what waits for containers: the world was put in another state, and the outboxes with it.
    pub(crate) fn start_over(&self) {
        self.storage.start_over();
    }

    /// Takes again what waits in the outboxes, and then lets events go into blobs as they come. What waits for an
    /// endpoint that is gone is left alone.
    pub(crate) async fn resume(&self) {
        let mut read: HashMap<Key, u64> = HashMap::new();
        while !self.storage.is_live() {
            self.read_all_again(&mut read).await;
            // What was taken a moment ago is not on the disk yet.
            if let Err((key, next)) = self.storage.go_live(&read)
                && self.outboxes.wait_for(&key.0, key.1, next).await.is_err()
            {
                read.insert(key, u64::MAX);
            }
        }
    }

    async fn read_all_again(&self, read: &mut HashMap<Key, u64>) {
        for place in self.outboxes.of_kind(Kind::Storage) {
            let target = self.storage_target(&place);
            for partition in 0..self.outboxes.partitions(&place) {
                let key = (place.clone(), partition);
                let next = read.entry(key.clone()).or_insert_with(|| self.outboxes.progress(&place, partition).next);
                let Some(target) = &target else {
                    *next = u64::MAX;
                    continue;
                };
                if let Err(error) = self.read_again(&key, target, next).await {
                    tracing::error!(%error, endpoint = %place.name, "what waits for a container cannot be read");
                    *next = u64::MAX;
                }
            }
        }
    }

    /// Takes again what is kept of a partition from the number `next` on, which moves to the end.
    async fn read_again(&self, key: &Key, target: &Arc<StorageTarget>, next: &mut u64) -> Result<(), StoreError> {
        loop {
            let records = self.outboxes.read(&key.0, key.1, *next).await?;
            if records.is_empty() {
                return Ok(());
            }
            for record in records {
                *next = record.sequence + 1;
                self.take_again(key, target, record);
            }
        }
    }

    fn take_again(&self, key: &Key, target: &Arc<StorageTarget>, record: StreamRecord) {
        let decoded = HubEvent::decode(record.body).ok();
        let Some((source, event)) =
            decoded.and_then(|event| Source::of_message_source(&event.source).map(|source| (source, event)))
        else {
            tracing::error!(endpoint = %key.0.name, number = record.sequence, "an event that waits cannot be read");
            return;
        };
        let routable = Routable {
            source,
            message: &event.message,
            origin: event.origin.as_ref(),
            at: record.enqueued_at,
            partition: key.1,
        };
        self.storage.take_again(key, target, &routable, record.sequence);
    }

    /// Whether a hub has the endpoint that the outbox is for.
    pub(crate) fn has_container(&self, place: &Place) -> bool {
        self.storage_target(place).is_some()
    }

    /// Drops what waits for these endpoints, which are gone.
    pub(crate) fn forget_containers(&self, places: &[Place]) {
        if !places.is_empty() {
            self.storage.forget_where(|place| places.contains(place));
        }
    }

    /// The container that the outbox is for, if a hub still has such an endpoint.
    fn storage_target(&self, place: &Place) -> Option<Arc<StorageTarget>> {
        let routes = self.cache.routes(&place.hub)?;
        routes.own_endpoints().iter().find_map(|endpoint| match &endpoint.target {
            Target::Storage(target) if endpoint.name.eq_ignore_ascii_case(&place.name) => Some(target.clone()),
            _ => None,
        })
    }
}
