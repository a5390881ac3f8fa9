//! A stream: appended to by whoever takes messages in, read by whoever gives them out.
//!
//! Used by the hub for its built-in endpoint and for further Event Hubs-like entities. It chooses no partition, knows no
//! consumer group, and reads no clock.

use std::sync::Arc;

use iolite_kernel::{SignedDuration, Timestamp};
use parking_lot::RwLock;

use super::commit::{attend, wake};
use super::durable::{Appended, Durable};
use super::head::{Most, Start};
use super::journal::Task;
use super::limits::LARGEST_RECORD;
use super::log::{Index, Wanted, read};
use super::partition::Partition;
use super::shared::Shared;
use super::snapshot::PartitionCopy;
use super::state::{Standing, State};
use super::tail::Given;
use super::{Bounds, Position, StreamRecord};
use crate::StoreError;
use crate::engine::EngineError;
use crate::thread::apart;

/// How many bytes of records are copied at a time.
const COPIED: usize = 4 << 20;

/// A named row of partitions.
#[derive(Debug)]
pub struct Stream {
    pub(super) shared: Arc<Shared>,
}

/// Where a reader finds what it wants.
enum Source {
    Memory(Vec<StreamRecord>),
    Disk(Arc<RwLock<Index>>, Wanted),
}

impl Stream {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many partitions it has; they are numbered from 0.
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.shared.state.lock().partitions.len()).unwrap_or(u32::MAX)
    }

    /// Appends a record; returns at once, without touching a disk. It may be acknowledged, and can be read, when
    /// [`Appended::durable`] says so.
    ///
    /// # Errors
    /// If the stream is closed, has failed, or is being replaced; if the partition is none of its, the record is longer
    /// than [`LARGEST_RECORD`], more waits for the disk than may, or there is no thread to write it. Then nothing was
    /// appended.
    pub fn append(&self, partition: u32, at: Timestamp, record: &[u8]) -> Result<Appended, StoreError> {
        self.append_parts(partition, at, &[record])
    }

    /// The same for a record whose bytes stand in several places.
    pub fn append_parts(&self, partition: u32, at: Timestamp, parts: &[&[u8]]) -> Result<Appended, StoreError> {
        let length = parts.iter().map(|part| part.len()).sum();
        if length > LARGEST_RECORD {
            return Err(StoreError::TooLarge { bytes: length, limit: LARGEST_RECORD });
        }
        let mut gone = Vec::new();
        let mut state = self.shared.state.lock();
        state.standing.check()?;
        if let Some(journal) = &state.journal
            && journal.waiting.bytes > self.shared.limits.waiting_bytes
        {
            return Err(StoreError::Behind { stream: self.name().to_owned(), bytes: journal.waiting.bytes });
        }
        self.partition(&mut state, partition)?;
        attend(&self.shared, &mut state)?;
        let order = state.order + 1;
        let chunk_bytes = self.shared.limits.chunk_bytes(state.journal.is_some());
        let given = Given { at, parts, length, order };
        let (sequence, offset, cost) = self.partition(&mut state, partition)?.push(&given, chunk_bytes);
        state.count(at, cost);
        let durable = if let Some(journal) = &mut state.journal {
            let receipt = journal.push(partition, at, parts, length);
            wake(&self.shared, &state);
            Durable::on(receipt)
        } else {
            let target = self.partition(&mut state, partition)?;
            target.show(target.head);
            if let Some(cutoff) = state.cutoff_due() {
                state.expire(cutoff, &mut gone);
            }
            state.shed(&self.shared.limits, &mut gone);
            Durable::now()
        };
        drop(state);
        drop(gone);
        Ok(Appended { sequence, offset, durable })
    }

    /// Reads records from a position on: at most so many, and with at most so many bytes of bodies, but always the first.
    /// Nothing if there is none yet; see [`Stream::changed`].
    ///
    /// Where records were dropped it goes on with the next that is kept. Recent records come from memory, older ones
    /// from the disk, read on a thread apart.
    pub async fn read(
        &self,
        partition: u32,
        from: Position,
        most_records: usize,
        most_bytes: usize,
    ) -> Result<Vec<StreamRecord>, StoreError> {
        let most = Most { records: most_records, bytes: most_bytes };
        match self.source(partition, from, most)? {
            Source::Memory(records) => Ok(records),
            Source::Disk(index, wanted) => {
                let outcome = apart(move || read(&index, wanted)).await;
                outcome.unwrap_or_else(|panic| Err(EngineError::Io(panic.into()))).map_err(|cause| {
                    StoreError::StreamUnreadable { stream: self.name().to_owned(), cause: Arc::new(cause) }
                })
            }
        }
    }

    /// The number of the first record that [`Stream::read`] would give from a position on; if there is none yet, that of
    /// the next record.
    pub async fn resolve(&self, partition: u32, position: Position) -> Result<u64, StoreError> {
        let next = self.bounds(partition)?.next_sequence;
        let first = self.read(partition, position, 1, 0).await?;
        Ok(first.first().map_or(next, |record| record.sequence))
    }

    /// What a partition holds now.
    pub fn bounds(&self, partition: u32) -> Result<Bounds, StoreError> {
        Ok(self.partition(&mut self.shared.state.lock(), partition)?.bounds())
    }

    /// Waits until a record of the number `sequence`, or a later one, can be read; an error when that will never be,
    /// since the stream was closed or has failed.
    pub async fn changed(&self, partition: u32, sequence: u64) -> Result<(), StoreError> {
        loop {
            let changed = {
                let mut state = self.shared.state.lock();
                let is_over = state.standing.is_over();
                let target = self.partition(&mut state, partition)?;
                if target.readable.sequence > sequence {
                    return Ok(());
                }
                if is_over {
                    return state.standing.check();
                }
                Arc::clone(&target.changed).notified_owned()
            };
            changed.await;
        }
    }

    /// Drops the records that were appended before a moment, up to the first that was not.
    pub async fn retain(&self, older_than: Timestamp) -> Result<(), StoreError> {
        self.order(Task::Expire(older_than)).await
    }

    /// How long records are kept from now on; `None` for as long as there is room. Applied by the moments of the appends
    /// that come, in steps of a sixty-fourth of it. It is not remembered over a restart.
    pub fn set_retention(&self, retention: Option<SignedDuration>) {
        let mut state = self.shared.state.lock();
        if state.retention != retention {
            state.retention = retention;
            state.look_at_age();
        }
    }

    /// Drops all records. The numbers and offsets go on.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.order(Task::Clear).await
    }

    /// Becomes what a copy says. Records are refused until it is.
    pub(super) async fn replace(&self, copy: Vec<PartitionCopy>) -> Result<(), StoreError> {
        self.order(Task::Replace(copy)).await
    }

    /// Where the next record of a partition will begin, as far as it can be read.
    pub(super) fn next_offset(&self, partition: u32) -> Result<u64, StoreError> {
        Ok(self.partition(&mut self.shared.state.lock(), partition)?.readable.offset)
    }

    /// The newest records of a partition, from a position on.
    pub(super) async fn copy(&self, partition: u32, from: Position) -> Result<PartitionCopy, StoreError> {
        let head = self.partition(&mut self.shared.state.lock(), partition)?.readable;
        let (mut from, mut records) = (from, Vec::new());
        loop {
            let read = self.read(partition, from, usize::MAX, COPIED).await?;
            let Some(last) = read.last() else { break };
            from = Position::Sequence(last.sequence + 1);
            // What came after the look at the head is not in the copy.
            records.extend(read.into_iter().filter(|record| record.sequence < head.sequence));
            if from == Position::Sequence(head.sequence) {
                break;
            }
        }
        Ok(PartitionCopy { head, records })
    }

    /// Takes no more records, and waits until those that were taken are on the disk.
    pub(super) async fn close(&self) {
        let (log, thread) = self.shut();
        // The commit thread ends by itself; its panic, if any, was reported where it happened. Dropping the log touches
        // the disk.
        let ended = apart(move || {
            drop(log);
            thread.map(std::thread::JoinHandle::join)
        });
        drop(ended.await);
        drop(self.shut());
    }

    /// Begins to close; gives what is to be waited for.
    pub(super) fn shut(&self) -> (Option<Box<super::log::Log>>, Option<std::thread::JoinHandle<()>>) {
        let mut state = self.shared.state.lock();
        if !state.standing.is_over() {
            state.standing = Standing::Closed;
        }
        state.wake_readers();
        self.shared.work.notify_one();
        match &mut state.journal {
            Some(journal) => (journal.resting.take(), journal.thread.take()),
            None => (None, None),
        }
    }

    /// Gives it more partitions if it has fewer.
    pub(super) fn grow(&self, partitions: u32) {
        let partitions = usize::try_from(partitions).unwrap_or(usize::MAX);
        let mut state = self.shared.state.lock();
        if state.partitions.len() < partitions {
            state.partitions.resize_with(partitions, Partition::default);
        }
    }

    /// Has the commit thread see to a task, or, without a directory, sees to it at once.
    async fn order(&self, task: Task) -> Result<(), StoreError> {
        let receipt = {
            let mut state = self.shared.state.lock();
            state.standing.check()?;
            attend(&self.shared, &mut state)?;
            let is_replacing = matches!(task, Task::Replace(_));
            let Some(journal) = &mut state.journal else {
                let gone = state.see_to(&task, &self.shared.limits);
                drop(state);
                drop(gone);
                return Ok(());
            };
            let receipt = journal.order(task);
            if is_replacing {
                state.standing = Standing::Replacing;
            }
            wake(&self.shared, &state);
            receipt
        };
        receipt.wait().await
    }

    fn source(&self, partition: u32, from: Position, most: Most) -> Result<Source, StoreError> {
        let mut state = self.shared.state.lock();
        let index = state.journal.as_ref().map(|journal| Arc::clone(&journal.index));
        let target = self.partition(&mut state, partition)?;
        let start: Start = target.start(from);
        Ok(match index {
            Some(index) if !target.covers(start) => {
                let (floor, end) = (target.floor, target.readable.sequence);
                Source::Disk(index, Wanted { partition, start, floor, end, most })
            }
            _ => Source::Memory(target.read(start, most)),
        })
    }

    fn partition<'a>(&self, state: &'a mut State, partition: u32) -> Result<&'a mut Partition, StoreError> {
        let found = usize::try_from(partition).ok().and_then(|at| state.partitions.get_mut(at));
        found.ok_or_else(|| StoreError::NoPartition { stream: self.name().to_owned(), partition })
    }
}
