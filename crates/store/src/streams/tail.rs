//! The newest records of a partition, in memory.
//!
//! Used by a partition: without a directory it is all there is, with one it saves reading back what was just written.
//! Bodies stand one after another in chunks; a chunk is given back to the system whole. Nothing is decided here about
//! what may be dropped.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use iolite_kernel::Timestamp;

use super::StreamRecord;
use super::head::{Head, Most, Start};
use super::limits::SMALLEST_CHUNK;

/// A chunk has at most so many records.
const MOST_ENTRIES: usize = 1024;

/// What a record takes beside its body, in bytes.
const ENTRY_COST: usize = size_of::<Entry>();

/// What a chunk takes beside its records, in bytes.
const CHUNK_COST: usize = size_of::<Chunk>() + 64;

/// A record as it is appended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) at: Timestamp,
    /// Its body, in parts.
    pub(super) parts: &'a [&'a [u8]],
    /// The length of all parts.
    pub(super) length: usize,
    /// The how many-th it is of the whole stream.
    pub(super) order: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tail {
    chunks: VecDeque<Chunk>,
}

/// Some records, one after another.
#[derive(Debug)]
pub(super) struct Chunk {
    first: u64,
    /// When the newest record of it was appended, counted over the whole stream.
    order: u64,
    newest: Timestamp,
    entries: Vec<Entry>,
    /// What is left of the memory that the bodies stand in.
    room: BytesMut,
    capacity: usize,
}

#[derive(Debug)]
struct Entry {
    offset: u64,
    at: Timestamp,
    body: Bytes,
}

impl Tail {
    /// Puts a record behind the others; returns how many bytes of memory that took.
    pub(super) fn push(&mut self, head: &Head, record: &Given<'_>, chunk_bytes: usize) -> usize {
        let Given { at, parts, length, order } = *record;
        let mut cost = ENTRY_COST;
        if !self.chunks.back().is_some_and(|chunk| chunk.has_room(length)) {
            let wanted = self.chunks.back().map_or(SMALLEST_CHUNK, |full| full.capacity * 2).min(chunk_bytes);
            let chunk = Chunk::new(head.sequence, at, wanted.max(length));
            cost += chunk.cost();
            self.chunks.push_back(chunk);
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(head.offset, at, parts, order);
        }
        cost
    }

    /// The first record, if there is one.
    pub(super) fn first_sequence(&self) -> Option<u64> {
        self.chunks.front().map(|chunk| chunk.first)
    }

    /// When the newest record of the oldest chunk was appended, and the number of the record behind it.
    pub(super) fn oldest(&self) -> Option<(u64, u64)> {
        self.chunks.front().map(|chunk| (chunk.order, chunk.end()))
    }

    /// Takes out the oldest chunk.
    pub(super) fn pop(&mut self) -> Option<Chunk> {
        self.chunks.pop_front()
    }

    /// Takes out the chunks that stand wholly before a record.
    pub(super) fn drop_before(&mut self, sequence: u64, gone: &mut Vec<Chunk>) {
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= sequence) {
            gone.extend(self.chunks.pop_front());
        }
    }

    /// The number of the first wanted record among those from `first` to before `end`; `end` if there is none.
    pub(super) fn find(&self, start: Start, first: u64, end: u64) -> u64 {
        if let Start::Sequence(sequence) = start {
            return sequence.clamp(first, end);
        }
        for chunk in self.from(first) {
            if chunk.ends_before(start) {
                continue;
            }
            for (sequence, entry) in (chunk.first..end).zip(&chunk.entries) {
                if sequence >= first && start.is_reached(sequence, entry.offset, entry.at) {
                    return sequence;
                }
            }
        }
        end
    }

    /// Whether records from this offset on are all here.
    pub(super) fn has_offset(&self, offset: u64) -> bool {
        self.chunks.front().and_then(|chunk| chunk.entries.first()).is_some_and(|entry| entry.offset <= offset)
    }

    /// The records from `first` to before `end`, but no more than allowed.
    pub(super) fn read(&self, first: u64, end: u64, mut most: Most) -> Vec<StreamRecord> {
        let mut records = Vec::new();
        for chunk in self.from(first) {
            let skipped = usize::try_from(first.saturating_sub(chunk.first)).unwrap_or(usize::MAX);
            for (sequence, entry) in (chunk.first..end).zip(&chunk.entries).skip(skipped) {
                if !most.take(entry.body.len(), records.is_empty()) {
                    return records;
                }
                let Entry { offset, at: enqueued_at, body } = entry;
                records.push(StreamRecord { sequence, offset: *offset, enqueued_at: *enqueued_at, body: body.clone() });
            }
        }
        records
    }

    /// The chunks from the one on that holds a record.
    fn from(&self, sequence: u64) -> impl Iterator<Item = &Chunk> {
        let before = self.chunks.partition_point(|chunk| chunk.end() <= sequence);
        self.chunks.range(before..)
    }
}

impl Chunk {
    fn new(first: u64, newest: Timestamp, capacity: usize) -> Self {
        Self { first, order: 0, newest, entries: Vec::new(), room: BytesMut::with_capacity(capacity), capacity }
    }

    fn has_room(&self, length: usize) -> bool {
        length <= self.room.capacity() && self.entries.len() < MOST_ENTRIES
    }

    fn push(&mut self, offset: u64, at: Timestamp, parts: &[&[u8]], order: u64) {
        for part in parts {
            self.room.extend_from_slice(part);
        }
        self.newest = self.newest.max(at);
        self.order = order;
        self.entries.push(Entry { offset, at, body: self.room.split().freeze() });
    }

    /// The number of the record behind the last one.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Whether none of its records can be the wanted one.
    fn ends_before(&self, start: Start) -> bool {
        match start {
            Start::Sequence(sequence) => self.end() <= sequence,
            Start::Offset(offset) => self.entries.last().is_some_and(|entry| entry.offset < offset),
            Start::Since(at) => self.newest < at,
        }
    }

    /// How many bytes of memory it takes.
    pub(super) fn cost(&self) -> usize {
        self.capacity + CHUNK_COST + self.entries.len() * ENTRY_COST
    }
}
