//! Events gathered for one blob.

use std::sync::Arc;

use iolite_kernel::{Entropy, SignedDuration, Timestamp};

use super::encoding::Encoding;
use super::{StorageTarget, avro, record};
use crate::routing::Routable;

/// A blob that is being filled.
pub(super) struct Batch {
    target: Arc<StorageTarget>,
    partition: u32,
    begun_at: Timestamp,
    /// The number of its first event in the endpoint's outbox; 0 where there is none.
    first: u64,
    content: Vec<u8>,
    count: usize,
}

/// A blob that is full, to be written under `name` or, where that is taken, a numbered one.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    pub(super) target: Arc<StorageTarget>,
    pub(super) name: String,
    pub(super) content: bytes::Bytes,
    pub(super) begun_at: Timestamp,
    pub(super) first: u64,
}

impl Batch {
    /// An empty one, which `event` begins; it has this number in the outbox.
    pub(super) fn new(target: Arc<StorageTarget>, event: &Routable<'_>, first: u64) -> Self {
        Self { target, partition: event.partition, begun_at: event.at, first, content: Vec::new(), count: 0 }
    }

    /// Adds `event`; whether the blob is full now.
    pub(super) fn add(&mut self, event: &Routable<'_>) -> bool {
        match self.target.encoding {
            Encoding::Json => record::write_json(event, &mut self.content),
            Encoding::Avro | Encoding::AvroDeflate => avro::write_datum(event, &mut self.content),
        }
        self.count += 1;
        self.content.len() >= self.target.largest_bytes
    }

    /// The number of its first event in the outbox.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// How many bytes it has.
    pub(super) const fn bytes(&self) -> usize {
        self.content.len()
    }

    /// Whether it is for `target` as that stands now; another one begins after the endpoint was changed.
    pub(super) fn is_for(&self, target: &StorageTarget) -> bool {
        *self.target == *target
    }

    /// When it is to be written.
    pub(super) fn due_at(&self) -> Timestamp {
        let frequency = SignedDuration::from_secs(i64::from(self.target.frequency_seconds));
        self.begun_at.checked_add(frequency).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn close(self, entropy: &dyn Entropy) -> Blob {
        let name = self.target.format.name(&self.target.hub_name, self.partition, self.begun_at);
        let content = match self.target.encoding {
            Encoding::Json => self.content,
            encoding => {
                let deflated = encoding == Encoding::AvroDeflate;
                avro::file(&self.content, self.count, deflated, *entropy.uuid().as_bytes())
            }
        };
        Blob { target: self.target, name, content: content.into(), begun_at: self.begun_at, first: self.first }
    }
}
