//! What a stream is at one moment, behind its one lock.
//!
//! Used by the stream's appenders and readers and by its commit thread. Nothing here waits or touches a disk; what is
//! dropped is handed out, so that its memory is freed outside the lock.

use std::sync::Arc;

use iolite_kernel::{SignedDuration, Timestamp};

use super::Limits;
use super::head::{Head, Start};
use super::journal::{Journal, Task};
use super::partition::Partition;
use super::snapshot::PartitionCopy;
use super::tail::{Chunk, Given};
use crate::StoreError;
use crate::engine::EngineError;

/// Retention by age is applied when the time of appends has moved on by this part of it.
const RETENTION_STEPS: i32 = 64;

#[derive(Debug)]
pub(super) struct State {
    pub(super) standing: Standing,
    pub(super) partitions: Vec<Partition>,
    /// How long records are kept; `None` for as long as there is room.
    pub(super) retention: Option<SignedDuration>,
    retained_at: Option<Timestamp>,
    /// The moment of the last append: what the stream knows of the time.
    now: Timestamp,
    /// Bytes of memory that the records take.
    pub(super) cost: usize,
    /// How many records were appended in this run.
    pub(super) order: u64,
    /// The way to the disk; `None` without a directory.
    pub(super) journal: Option<Journal>,
}

/// Whether a stream takes records.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    Open,
    /// A copy is being put in its place.
    Replacing,
    Closed,
    Failed(Arc<EngineError>),
}

impl Standing {
    /// An error if no record can be taken.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Open => Ok(()),
            Self::Replacing => Err(StoreError::Replacing),
            Self::Closed => Err(StoreError::Closed),
            Self::Failed(error) => Err(StoreError::Failed(Arc::clone(error))),
        }
    }

    /// Whether nothing will ever come any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_))
    }
}

impl State {
    pub(super) fn new(partitions: Vec<Partition>, journal: Option<Journal>) -> Self {
        Self {
            standing: Standing::Open,
            partitions,
            retention: None,
            retained_at: None,
            now: Timestamp::MIN,
            cost: 0,
            order: 0,
            journal,
        }
    }

    /// Counts a record of this moment.
    pub(super) fn count(&mut self, at: Timestamp, cost: usize) {
        self.order += 1;
        self.cost += cost;
        self.now = at;
    }

    /// Before which moment records are too old by now, if it is time to look.
    pub(super) fn cutoff_due(&mut self) -> Option<Timestamp> {
        let (retention, now) = (self.retention?, self.now);
        let is_due = self.retained_at.is_none_or(|last| now.duration_since(last).abs() * RETENTION_STEPS >= retention);
        if !is_due {
            return None;
        }
        self.retained_at = Some(now);
        now.checked_sub(retention).ok()
    }

    /// Lets the next append apply the retention.
    pub(super) fn look_at_age(&mut self) {
        self.retained_at = None;
    }

    /// Does what a commit thread would do; right only where memory is all there is.
    pub(super) fn see_to(&mut self, task: &Task, limits: &Limits) -> Vec<Chunk> {
        let mut gone = Vec::new();
        match task {
            Task::Clear => {
                for partition in &mut self.partitions {
                    partition.raise_floor(partition.head.sequence, &mut gone);
                }
                self.discount(&gone);
            }
            Task::Expire(cutoff) => self.expire(*cutoff, &mut gone),
            Task::Replace(partitions) => {
                self.replace(partitions, limits.chunk_bytes(false));
                self.shed(limits, &mut gone);
            }
        }
        gone
    }

    fn replace(&mut self, copies: &[PartitionCopy], chunk_bytes: usize) {
        let heads: Vec<Head> = copies.iter().map(PartitionCopy::first).collect();
        self.restart(&heads);
        for (partition, copy) in self.partitions.iter_mut().zip(copies) {
            for record in &copy.records {
                self.order += 1;
                let (at, parts, length) = (record.enqueued_at, &[&record.body[..]], record.body.len());
                self.cost += partition.push(&Given { at, parts, length, order: self.order }, chunk_bytes).2;
            }
        }
        for partition in &mut self.partitions {
            partition.show(partition.head);
        }
    }

    /// Drops what is older than `cutoff`; right only where memory is all there is.
    pub(super) fn expire(&mut self, cutoff: Timestamp, gone: &mut Vec<Chunk>) {
        let before = gone.len();
        for partition in &mut self.partitions {
            let first = partition.find(Start::Since(cutoff));
            partition.raise_floor(first, gone);
        }
        self.discount(&gone[before..]);
    }

    /// Drops the chunks whose newest record is the oldest until the rest fits; those that are not on the disk yet stay.
    /// Without a directory, the records are gone for good, so the chunk that was written last stays as well.
    pub(super) fn shed(&mut self, limits: &Limits, gone: &mut Vec<Chunk>) {
        let is_kept = self.journal.is_some();
        let limit = limits.held_bytes(is_kept);
        while self.cost > limit {
            let droppable = self.partitions.iter_mut().filter_map(|partition| {
                let (order, end) = partition.tail.oldest()?;
                ((is_kept || order < self.order) && end <= partition.readable.sequence)
                    .then_some((order, end, partition))
            });
            let Some((_, end, partition)) = droppable.min_by_key(|(order, ..)| *order) else { return };
            let Some(chunk) = partition.tail.pop() else { return };
            if !is_kept {
                partition.floor = partition.floor.max(end);
            }
            self.cost -= chunk.cost();
            gone.push(chunk);
        }
    }

    /// Notes that chunks no longer take memory.
    pub(super) fn discount(&mut self, gone: &[Chunk]) {
        self.cost -= gone.iter().map(Chunk::cost).sum::<usize>();
    }

    /// Begins each partition anew where its head says; one without a head, at its front.
    pub(super) fn restart(&mut self, heads: &[Head]) {
        if self.partitions.len() < heads.len() {
            self.partitions.resize_with(heads.len(), Partition::default);
        }
        let mut gone = Vec::new();
        for (at, partition) in self.partitions.iter_mut().enumerate() {
            partition.restart(heads.get(at).copied().unwrap_or_default(), &mut gone);
        }
        self.discount(&gone);
    }

    /// Wakes all who wait for records.
    pub(super) fn wake_readers(&self) {
        for partition in &self.partitions {
            partition.changed.notify_waiters();
        }
    }
}
