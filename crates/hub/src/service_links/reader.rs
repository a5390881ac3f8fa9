//! A link that reads the events of one partition.

use std::sync::Arc;

use iolite_kernel::ServiceError;
use iolite_messaging::{Doing, EventReader, EventWindow, FoundEvent, HubEvent, LinkEnd, PartitionFacts, Position};
use iolite_store::streams::{Position as Start, StreamRecord};
use parking_lot::Mutex;

use crate::service_links::EventEntity;
use crate::service_links::readers::Seating;
use crate::telemetry::unavailable;
use crate::{Hub, errors};

/// What a reader asks for.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The consumer group.
    pub consumer_group: String,
    /// The partition's id.
    pub partition: String,
    /// Where to begin.
    pub from: Position,
    /// Its epoch.
    pub epoch: Option<i64>,
}

/// A reader, and how it hears that another one ended it.
pub struct OpenedReader {
    /// What reads.
    pub reader: Box<dyn EventReader>,
    /// Resolves when a reader of a higher epoch came.
    pub end: Doing<'static, LinkEnd>,
}

struct Reader {
    hub: Arc<Hub>,
    entity: EventEntity,
    partition: u32,
    /// The number of the event to read next.
    next: Mutex<u64>,
    place: (String, String, u32),
    /// Its seat; one that was overruled has none, and reads nothing.
    seat: Option<u64>,
}

impl Hub {
    /// Opens a reader of `entity` for whoever the door let in.
    ///
    /// Refuses with 404 what the entity does not have, and a sixth reader. One that an epoch keeps away is opened and
    /// ended at once, as the service does.
    pub async fn event_reader(
        self: &Arc<Self>,
        entity: &EventEntity,
        reading: &Reading,
    ) -> Result<OpenedReader, ServiceError> {
        let not_found = |text: String| ServiceError::new(&errors::GENERIC_NOT_FOUND, text);
        let Some(partition) = entity.partition(&reading.partition) else {
            let text = format!("{} has no partition '{}'.", entity.path, crate::body::shortened(&reading.partition));
            return Err(not_found(text));
        };
        if !entity.has_group(&reading.consumer_group) {
            let group = crate::body::shortened(&reading.consumer_group);
            return Err(not_found(format!("{} has no consumer group '{group}'.", entity.path)));
        }
        let next = entity.stream.resolve(partition, start(reading.from)).await.map_err(unavailable)?;
        let place = (entity.stream.name().to_owned(), reading.consumer_group.to_ascii_lowercase(), partition);
        let (seat, end): (_, Doing<'static, LinkEnd>) = match self.readers.take(&place, reading.epoch) {
            Seating::Taken(seat, stolen) => (
                Some(seat),
                Box::pin(async move {
                    match stolen.await {
                        Ok(()) => LinkEnd::Stolen,
                        // The book is gone with the hub.
                        Err(_) => std::future::pending().await,
                    }
                }),
            ),
            Seating::Overruled => (None, Box::pin(std::future::ready(LinkEnd::Stolen))),
            Seating::Full => {
                let text = "The partition has five readers of this consumer group, which is as many as it may have.";
                return Err(ServiceError::new(&errors::GENERIC_FORBIDDEN, text));
            }
        };
        let reader =
            Reader { hub: self.clone(), entity: entity.clone(), partition, next: Mutex::new(next), place, seat };
        Ok(OpenedReader { reader: Box::new(reader), end })
    }
}

impl EventReader for Reader {
    fn next(&self, window: EventWindow) -> Doing<'_, Result<Vec<FoundEvent>, ServiceError>> {
        Box::pin(async move {
            if self.seat.is_none() {
                return std::future::pending().await;
            }
            loop {
                let from = *self.next.lock();
                let stream = &self.entity.stream;
                let records = stream.read(self.partition, Start::Sequence(from), window.events.max(1), window.bytes);
                let records = records.await.map_err(unavailable)?;
                let Some(last) = records.last() else {
                    stream.changed(self.partition, from).await.map_err(unavailable)?;
                    continue;
                };
                *self.next.lock() = last.sequence + 1;
                let found: Vec<FoundEvent> = records.into_iter().filter_map(found).collect();
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        })
    }

    fn facts(&self) -> PartitionFacts {
        self.entity.partition_facts(self.partition).unwrap_or(PartitionFacts {
            first_sequence_number: 0,
            last_sequence_number: -1,
            last_offset: -1,
            last_enqueued_at: None,
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(seat) = self.seat {
            self.hub.readers.leave(&self.place, seat);
        }
    }
}

/// The event in a record. One that cannot be read is logged and skipped: it would hold up all after it.
fn found(record: StreamRecord) -> Option<FoundEvent> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (sequence_number, offset) = (signed(record.sequence), signed(record.offset));
    match HubEvent::decode(record.body) {
        Ok(event) => Some(FoundEvent { event, sequence_number, offset, enqueued_at: record.enqueued_at }),
        Err(error) => {
            tracing::error!(%error, sequence_number, "an event cannot be read");
            None
        }
    }
}

fn start(position: Position) -> Start {
    let after =
        |number: i64, inclusive: bool| u64::try_from(number.saturating_add(i64::from(!inclusive))).unwrap_or_default();
    match position {
        Position::Earliest => Start::Earliest,
        Position::Latest => Start::Latest,
        Position::Sequence(number, inclusive) => Start::Sequence(after(number, inclusive)),
        Position::Offset(number, inclusive) => Start::Offset(after(number, inclusive)),
        Position::EnqueuedAfter(at) => Start::EnqueuedAfter(at),
    }
}
