//! What waits for endpoints that are no streams, kept where it outlives the process: an internal stream an endpoint, and
//! how far each of its partitions is done.
//!
//! Written by the storage writer and by Event Grid: they append before they are answerable for an event, and settle when it
//! was delivered or given up. What is unsettled when a process dies is read again by the next one, so nothing that was
//! acknowledged is lost and some of it may be delivered twice. Without a data directory nothing is kept here at all.

mod follow;
mod place;
mod progress;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use iolite_kernel::{ServiceError, Timestamp};
use iolite_resources::Hub as HubRecord;
use iolite_store::streams::{Appended, Position, Stream, StreamRecord, Streams};
use iolite_store::{Store, StoreError, Table, Transaction};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::doomed_streams::DoomedStream;
use crate::telemetry::{receipt, unavailable};
pub(crate) use place::{Kind, Place};
pub(crate) use progress::Progress;

/// How many records, and how many bytes of them, are read at a time.
const PIECE: (usize, usize) = (1000, 4 << 20);

/// The outboxes of all endpoints.
#[derive(Default)]
pub(crate) struct Outboxes(Option<Kept>);

struct Kept {
    streams: Streams,
    store: Store,
    hubs: Table<HubRecord>,
    positions: Table<Progress>,
    doomed: Table<DoomedStream>,
    /// What was settled since it was last written down, partition by partition.
    settled: Mutex<BTreeMap<(Place, u32), Progress>>,
    changed: Notify,
}

/// What became of an event that was to be kept until it is delivered: nothing where nothing is kept, else when it is safe,
/// or why it is not taken.
pub(crate) type Taken = Option<Result<Appended, StoreError>>;

impl Outboxes {
    /// Outboxes in `streams`; none where those end with the process.
    pub(crate) fn new(streams: Streams, store: Store, hubs: Table<HubRecord>) -> Self {
        if !streams.outlive_process() {
            return Self(None);
        }
        let (positions, doomed) = (store.table(), store.table());
        Self(Some(Kept { streams, store, hubs, positions, doomed, settled: Mutex::default(), changed: Notify::new() }))
    }

    /// Whether anything is kept.
    pub(crate) const fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps an event for `place`. Never waits.
    pub(crate) fn append(&self, place: &Place, partition: u32, at: Timestamp, record: &[u8]) -> Taken {
        let kept = self.0.as_ref()?;
        let name = place.stream_name();
        if kept.doomed.get(&name).is_some() {
            // A hub of this name was deleted a moment ago, and what waited for it is still going.
            return Some(Err(StoreError::Closed));
        }
        let stream = kept.streams.stream(&name, partition.saturating_add(1));
        Some(stream.and_then(|stream| stream.append(partition, at, record)))
    }

    /// Notes how far a partition is done; written down by [`Outboxes::run`].
    pub(crate) fn settle(&self, place: &Place, partition: u32, progress: Progress) {
        if let Some(kept) = &self.0 {
            kept.settled.lock().insert((place.clone(), partition), progress);
            kept.changed.notify_one();
        }
    }

    /// Forgets what was settled and is not written down: the streams were put in another state.
    pub(crate) fn forget_settled(&self) {
        if let Some(kept) = &self.0 {
            kept.settled.lock().clear();
        }
    }

    /// Every outbox of this kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> Vec<Place> {
        let names = self.0.as_ref().map(|kept| kept.streams.names()).unwrap_or_default();
        names.iter().filter_map(|name| Place::of_stream(name)).filter(|place| place.kind == kind).collect()
    }

    /// How many partitions an outbox has.
    pub(crate) fn partitions(&self, place: &Place) -> u32 {
        self.stream(place).map_or(0, |stream| stream.partitions())
    }

    /// Where a partition goes on after a restart.
    pub(crate) fn progress(&self, place: &Place, partition: u32) -> Progress {
        let none = Progress::at(0);
        let Some(kept) = &self.0 else { return none };
        let Some(known) = kept.positions.get(&place.key(partition)) else { return none };
        let end = self.stream(place).and_then(|stream| stream.bounds(partition).ok());
        // A stream that ends before what was done of it is not the one that the position was written for.
        if end.is_none_or(|bounds| bounds.next_sequence < known.next) {
            return none;
        }
        *known.value
    }

    /// The next records of a partition, from the number `from` on; none at the end of what is safe.
    pub(crate) async fn read(&self, place: &Place, partition: u32, from: u64) -> Result<Vec<StreamRecord>, StoreError> {
        let Some(stream) = self.stream(place) else { return Ok(Vec::new()) };
        stream.read(partition, Position::Sequence(from), PIECE.0, PIECE.1).await
    }

    /// Waits until the record before the number `next` can be read.
    pub(crate) async fn wait_for(&self, place: &Place, partition: u32, next: u64) -> Result<(), StoreError> {
        match self.stream(place) {
            Some(stream) => stream.changed(partition, next.saturating_sub(1)).await,
            None => Ok(()),
        }
    }

    /// Writes down what is settled, as it comes, for as long as it is polled.
    pub(crate) async fn run(&self) {
        let Some(kept) = &self.0 else { return std::future::pending().await };
        loop {
            kept.changed.notified().await;
            self.save().await;
        }
    }

    /// Writes down what is settled by now, and lets the streams drop it.
    pub(crate) async fn save(&self) {
        let Some(kept) = &self.0 else { return };
        let settled = std::mem::take(&mut *kept.settled.lock());
        if settled.is_empty() {
            return;
        }
        let written = kept.store.transact(|transaction| {
            for ((place, partition), progress) in &settled {
                // The outboxes of a hub that was deleted are gone, and their positions with them.
                if transaction.get(&kept.hubs, &place.hub).is_some() {
                    transaction.put(&kept.positions, &place.key(*partition), *progress);
                }
            }
            Ok::<_, StoreError>(())
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, "what was delivered could not be written down; it is delivered again after a restart");
            return;
        }
        self.trim(settled.into_keys().map(|(place, _)| place)).await;
    }

    /// Lets streams drop what is done in all of their partitions.
    async fn trim(&self, places: impl Iterator<Item = Place>) {
        let mut last = None;
        for place in places {
            // Places come in order, partition by partition.
            if last.as_ref() == Some(&place) {
                continue;
            }
            if let Some(stream) = self.stream(&place)
                && let Some(done) = self.done_before(&place, &stream).await
                && let Err(error) = stream.retain(done).await
            {
                tracing::debug!(%error, stream = place.stream_name(), "what was delivered could not be dropped");
            }
            last = Some(place);
        }
    }

    /// The moment before which nothing of an outbox is needed: that of its oldest record that is not done.
    async fn done_before(&self, place: &Place, stream: &Stream) -> Option<Timestamp> {
        let mut done: Option<Timestamp> = None;
        for partition in 0..stream.partitions() {
            let next = self.progress(place, partition).next;
            let oldest = stream.read(partition, Position::Sequence(next), 1, 0).await.ok()?;
            let moment = match oldest.first() {
                Some(record) => record.enqueued_at,
                None => match stream.bounds(partition).ok()?.last_enqueued_at {
                    Some(last) => last,
                    None => continue,
                },
            };
            done = Some(done.map_or(moment, |known| known.min(moment)));
        }
        done
    }

    /// Removes an outbox with all that waits in it.
    pub(crate) async fn remove(&self, place: &Place) -> Result<(), ServiceError> {
        let Some(kept) = &self.0 else { return Ok(()) };
        kept.settled.lock().retain(|(known, _), _| known != place);
        let prefix = place.prefix();
        let cleared = kept.store.transact(|transaction| {
            self.clear_positions(transaction, &prefix);
            Ok::<_, StoreError>(())
        });
        cleared.await.map_err(unavailable)?;
        kept.streams.remove(&place.stream_name()).await.map_err(unavailable)
    }

    /// Forgets the positions whose keys begin with `prefix`, as part of a change.
    pub(crate) fn clear_positions(&self, transaction: &mut Transaction<'_>, prefix: &str) {
        let Some(kept) = &self.0 else { return };
        for (key, _) in transaction.all(&kept.positions, prefix) {
            transaction.delete(&kept.positions, &key);
        }
    }

    /// The stream of an outbox that is there.
    fn stream(&self, place: &Place) -> Option<Arc<Stream>> {
        self.0.as_ref()?.streams.stream(&place.stream_name(), 1).ok()
    }
}

/// When what was taken is safe; nothing to wait for where nothing is kept.
pub(crate) fn receipts(
    taken: Vec<Result<Appended, StoreError>>,
) -> Result<Vec<iolite_messaging::Receipt>, ServiceError> {
    taken.into_iter().map(|taken| taken.map(receipt).map_err(unavailable)).collect()
}

impl fmt::Debug for Outboxes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outboxes").field("kept", &self.are_kept()).finish()
    }
}
