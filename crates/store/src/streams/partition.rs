//! One partition: where it stands, and its newest records.
//!
//! Used under the lock of its stream. It appends and reads what is in memory; it knows no disk.

use std::sync::Arc;

use tokio::sync::Notify;

use super::head::{Head, Most, Start};
use super::tail::{Chunk, Given, Tail};
use super::{Bounds, Position, StreamRecord};

/// The state of a partition.
#[derive(Debug, Default)]
pub(super) struct Partition {
    /// Where the next record goes.
    pub(super) head: Head,
    /// Up to where records can be read.
    pub(super) readable: Head,
    /// The first record that was not dropped.
    pub(super) floor: u64,
    pub(super) tail: Tail,
    /// Told when more can be read, or nothing more will come.
    pub(super) changed: Arc<Notify>,
}

impl Partition {
    /// A partition that goes on where another run ended.
    pub(super) fn at(head: Head, floor: u64) -> Self {
        Self { head, readable: head, floor, ..Self::default() }
    }

    /// Puts a record behind the others; returns its number and offset, and what memory it took.
    pub(super) fn push(&mut self, record: &Given<'_>, chunk_bytes: usize) -> (u64, u64, usize) {
        let Head { sequence, offset, .. } = self.head;
        let cost = self.tail.push(&self.head, record, chunk_bytes);
        self.head.advance(record.at, record.length);
        (sequence, offset, cost)
    }

    /// Lets readers see everything before `head`.
    pub(super) fn show(&mut self, head: Head) {
        self.readable = head;
        self.changed.notify_waiters();
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            first_sequence: self.floor,
            next_sequence: self.readable.sequence,
            last_offset: self.readable.last.map(|last| last.offset),
            last_enqueued_at: self.readable.last.map(|last| last.at),
        }
    }

    pub(super) fn start(&self, position: Position) -> Start {
        Start::of(position, self.floor, self.readable.sequence)
    }

    /// Whether what is in memory tells for certain which record is the wanted one.
    pub(super) fn covers(&self, start: Start) -> bool {
        let first = self.tail.first_sequence().unwrap_or(self.head.sequence);
        first <= self.floor
            || match start {
                Start::Sequence(sequence) => sequence >= first || sequence >= self.readable.sequence,
                Start::Offset(offset) => offset >= self.readable.offset || self.tail.has_offset(offset),
                Start::Since(_) => false,
            }
    }

    /// The number of the wanted record, or of the next one if there is none, if memory covers it.
    pub(super) fn find(&self, start: Start) -> u64 {
        self.tail.find(start, self.floor, self.readable.sequence)
    }

    /// The records from the wanted one on, if memory covers it.
    pub(super) fn read(&self, start: Start, most: Most) -> Vec<StreamRecord> {
        self.tail.read(self.find(start), self.readable.sequence, most)
    }

    /// Drops the records before `sequence`, as far as memory goes.
    pub(super) fn raise_floor(&mut self, sequence: u64, gone: &mut Vec<Chunk>) {
        self.floor = self.floor.max(sequence);
        self.tail.drop_before(self.floor, gone);
    }

    /// Becomes what a copy says: it begins anew at `head`, and goes on from there.
    pub(super) fn restart(&mut self, head: Head, gone: &mut Vec<Chunk>) {
        self.tail.drop_before(u64::MAX, gone);
        (self.head, self.readable, self.floor) = (head, head, head.sequence);
    }
}
