//! Outboxes through the life of a process: taken up when it begins, written down as it goes, and removed with what they
//! are for.

use std::sync::Arc;

use iolite_resources::{EventSubscription, Hub as HubRecord};
use iolite_store::{Change, Record};
use tokio::sync::MutexGuard;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Kind, Place};
use crate::Hub;

impl Hub {
    /// Takes up what the last process left, and looks after the outboxes for as long as it is polled.
    pub(crate) async fn keep_outboxes(self: Arc<Self>) {
        if !self.outboxes.are_kept() {
            return std::future::pending().await;
        }
        // Heard from now on, so that nothing is deleted between the first look and the next.
        let changes = self.store.watch_of(&[HubRecord::COLLECTION, EventSubscription::COLLECTION]);
        tokio::join!(self.take_up_outboxes(), self.outboxes.run(), self.watch_outboxes(changes));
    }

    /// Takes up what waits in the outboxes, unless that was done; those whose endpoint or subscription is gone go first.
    async fn take_up_outboxes(&self) {
        let turn = self.outboxes_turn.lock().await;
        self.drop_orphaned_outboxes(&turn).await;
        tokio::join!(self.routing.resume(), self.event_grid.resume());
    }

    /// Forgets what waits for containers and webhooks, and takes up what the outboxes hold instead: called when records and
    /// streams were replaced as a whole.
    pub async fn start_outboxes_over(&self) {
        {
            let _turn = self.outboxes_turn.lock().await;
            self.routing.start_over();
            self.event_grid.start_over();
            self.outboxes.forget_settled();
        }
        self.take_up_outboxes().await;
    }

    /// Removes outboxes whose endpoint or subscription is gone.
    async fn watch_outboxes(&self, mut changes: Receiver<Change>) {
        while !matches!(changes.recv().await, Err(RecvError::Closed)) {
            let turn = self.outboxes_turn.lock().await;
            self.drop_orphaned_outboxes(&turn).await;
        }
    }

    /// Removes them; whoever asks has the turn.
    async fn drop_orphaned_outboxes(&self, _turn: &MutexGuard<'_, ()>) {
        let orphans = |kind: Kind, is_there: &dyn Fn(&Place) -> bool| {
            let all = self.outboxes.of_kind(kind).into_iter();
            all.filter(|place| !is_there(place)).collect::<Vec<_>>()
        };
        let storage = orphans(Kind::Storage, &|place| self.routing.has_container(place));
        self.routing.forget_containers(&storage);
        for place in storage.iter().chain(&orphans(Kind::EventGrid, &|place| self.event_grid.has_subscription(place))) {
            if let Err(error) = self.outboxes.remove(place).await {
                tracing::warn!(%error, outbox = place.stream_name(), "what waited for a deleted endpoint is still kept");
            }
        }
    }
}
