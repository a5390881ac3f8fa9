//! What is read from a stream, and from where.
//!
//! Made by [`Stream`](super::Stream) for the readers of a hub's endpoint. A record's bytes are never looked into.

use bytes::Bytes;
use iolite_kernel::Timestamp;

/// A record as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its number in the partition: the first is 0, each next one more.
    pub sequence: u64,
    /// Where it begins in the partition, in bytes; grows with each record by its length and a little more.
    pub offset: u64,
    /// When it was appended, as the appender said.
    pub enqueued_at: Timestamp,
    /// The bytes that were appended.
    pub body: Bytes,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The oldest record that is kept.
    Earliest,
    /// After the newest record.
    Latest,
    /// The record of this number, or the next one that is kept.
    Sequence(u64),
    /// The record that begins at this offset, or the next one that is kept.
    Offset(u64),
    /// The first record that was appended after this moment.
    EnqueuedAfter(Timestamp),
}

/// What a partition holds, as far as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The number of the oldest record; if there is none, that of the next.
    pub first_sequence: u64,
    /// The number that the next record will have.
    pub next_sequence: u64,
    /// Where the newest record begins, in bytes; also when it is no longer kept. `None` if there never was one.
    pub last_offset: Option<u64>,
    /// When the newest record was appended; also when it is no longer kept. `None` if there never was one.
    pub last_enqueued_at: Option<Timestamp>,
}

impl Bounds {
    /// Whether no record can be read.
    pub fn is_empty(&self) -> bool {
        self.first_sequence == self.next_sequence
    }

    /// The number of the newest record; `None` if there never was one.
    pub fn last_sequence(&self) -> Option<u64> {
        self.next_sequence.checked_sub(1)
    }
}
