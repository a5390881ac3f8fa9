//! Places in a partition.
//!
//! Used all over the streams: by memory and disk, for what is next, what can be read, and what is looked for.

use iolite_kernel::{SignedDuration, Timestamp};

use super::Position;

/// How many bytes a record takes beside its body; offsets count them too, and a segment really has them.
pub(super) const RECORD_HEADER: usize = 20;

/// Where the next record of a partition goes, and what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) offset: u64,
    /// The newest record; `None` if there never was one.
    pub(super) last: Option<Last>,
}

/// The newest record of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) offset: u64,
    pub(super) at: Timestamp,
}

impl Head {
    /// Goes on over a record whose body has so many bytes.
    pub(super) fn advance(&mut self, at: Timestamp, length: usize) {
        self.last = Some(Last { offset: self.offset, at });
        self.sequence += 1;
        self.offset += (length + RECORD_HEADER) as u64;
    }
}

/// The first record that a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The one of this number.
    Sequence(u64),
    /// The first that begins at this offset or behind it.
    Offset(u64),
    /// The first that was appended at this moment or later.
    Since(Timestamp),
}

impl Start {
    /// What a position means in a partition whose first record is `first` and whose next one is `next`.
    pub(super) fn of(position: Position, first: u64, next: u64) -> Self {
        match position {
            Position::Earliest => Self::Sequence(first),
            Position::Latest => Self::Sequence(next),
            Position::Sequence(sequence) => Self::Sequence(sequence.max(first)),
            Position::Offset(offset) => Self::Offset(offset),
            Position::EnqueuedAfter(at) => match at.checked_add(SignedDuration::from_nanos(1)) {
                Ok(since) => Self::Since(since),
                // Nothing is later than the last moment there is.
                Err(_) => Self::Sequence(next),
            },
        }
    }

    /// Whether a record is the wanted one or stands behind it; asked from the first kept record on.
    pub(super) fn is_reached(self, sequence: u64, offset: u64, at: Timestamp) -> bool {
        match self {
            Self::Sequence(wanted) => sequence >= wanted,
            Self::Offset(wanted) => offset >= wanted,
            Self::Since(wanted) => at >= wanted,
        }
    }
}

/// How much one reading gives at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub(super) records: usize,
    /// Bytes of bodies; the first record is given however long it is.
    pub(super) bytes: usize,
}

impl Most {
    /// Takes a body of this length off what may be given; false if it is too much.
    pub(super) fn take(&mut self, length: usize, is_first: bool) -> bool {
        if self.records == 0 || (length > self.bytes && !is_first) {
            return false;
        }
        self.records -= 1;
        self.bytes = self.bytes.saturating_sub(length);
        true
    }
}
