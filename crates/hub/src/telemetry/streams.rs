//! The streams of hubs: the built-in endpoint's, and those of further entities that routes lead to.

use std::sync::Arc;

use iolite_kernel::{ServiceError, SignedDuration, Timestamp};
use iolite_messaging::Receipt;
use iolite_store::streams::{Appended, Durable, Stream};

use crate::{Hub, errors};

const HOURS_A_DAY: i64 = 24;
/// How often old events are looked for.
const RETENTION_STEP: SignedDuration = SignedDuration::from_hours(1);

impl Hub {
    /// The name of the stream behind the built-in endpoint of the hub keyed `hub`.
    pub(crate) fn own_stream_name(hub: &str) -> String {
        format!("hub-{hub}")
    }

    /// The stream behind the built-in endpoint of the hub keyed `hub`, with as many partitions as the hub has.
    pub(crate) fn own_stream(&self, hub: &str) -> Result<Arc<Stream>, ServiceError> {
        let days = self.hubs.get(hub).map_or(1, |hub| hub.events.retention_days);
        self.stream(&Self::own_stream_name(hub), self.partition_count(hub), days)
    }

    /// A stream of so many partitions that keeps events for so many days.
    pub(crate) fn stream(&self, name: &str, partitions: u32, days: u32) -> Result<Arc<Stream>, ServiceError> {
        if self.doomed_streams.get(name).is_some() {
            return Err(ServiceError::new(
                &errors::SERVICE_UNAVAILABLE,
                "The events of a deleted hub are still going.",
            ));
        }
        let stream = self.streams.stream(name, partitions.max(1)).map_err(unavailable)?;
        stream.set_retention(Some(SignedDuration::from_hours(i64::from(days) * HOURS_A_DAY)));
        Ok(stream)
    }

    /// Drops old events from time to time, until it is dropped. Appends drop them too; a hub that is sent nothing has this.
    pub(crate) async fn watch_streams(&self) {
        loop {
            let now = self.ground.now();
            self.drop_old_events(now).await;
            self.ground.wait_until(now.saturating_add(RETENTION_STEP).unwrap_or(Timestamp::MAX)).await;
        }
    }

    /// Drops events that are older than their hubs keep them, at the moment `now`.
    async fn drop_old_events(&self, now: Timestamp) {
        for (key, hub) in self.hubs.all("") {
            let kept = SignedDuration::from_hours(i64::from(hub.events.retention_days) * HOURS_A_DAY);
            let Ok(stream) = self.own_stream(&key) else { continue };
            if let Ok(oldest) = now.checked_sub(kept)
                && let Err(error) = stream.retain(oldest).await
            {
                tracing::warn!(%error, hub = %key, "old events could not be dropped");
            }
        }
        for entity in self.routing.entities() {
            let kept = SignedDuration::from_hours(i64::from(entity.retention_days) * HOURS_A_DAY);
            let stream = self.stream(&entity.stream_name(), entity.partition_count, entity.retention_days);
            if let (Ok(stream), Ok(oldest)) = (stream, now.checked_sub(kept))
                && let Err(error) = stream.retain(oldest).await
            {
                tracing::warn!(%error, entity = %entity.name, "old events could not be dropped");
            }
        }
    }
}

/// The stream does not take the event now.
pub(crate) fn unavailable(error: iolite_store::StoreError) -> ServiceError {
    ServiceError::new(&errors::SERVICE_UNAVAILABLE, "The event cannot be kept now.").because(error)
}

/// What is still to be waited for until the event is kept.
pub(crate) fn receipt(appended: Appended) -> Receipt {
    match appended.durable.outcome() {
        Some(Ok(())) => Receipt::settled(),
        _ => Receipt::waiting(Box::pin(kept(appended.durable))),
    }
}

async fn kept(durable: Durable) -> Result<(), ServiceError> {
    durable.wait().await.map_err(unavailable)
}
