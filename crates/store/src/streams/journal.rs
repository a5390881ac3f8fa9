//! What waits to be written to a stream's log.
//!
//! Part of the stream's state, filled by appenders and emptied by the commit thread. The thread lives only while there
//! is something to do; between, the log rests here. Nothing here touches the disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use iolite_kernel::Timestamp;
use parking_lot::RwLock;

use super::head::RECORD_HEADER;
use super::log::frame::push;
use super::log::{Gathered, Index, Log};
use super::snapshot::PartitionCopy;
use crate::receipt::{Promise, Receipt};

/// A frame that is longer than this gets no more records, in bytes: readers take in whole frames.
const FULL_FRAME: usize = 1 << 20;

/// A buffer that grew beyond this (bytes) is given back to the system.
const KEPT_BUFFER: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Journal {
    pub(super) waiting: Work,
    /// The log, when no thread has it.
    pub(super) resting: Option<Box<Log>>,
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) index: Arc<RwLock<Index>>,
    /// How many gathered records the commit thread sleeps for.
    pub(super) awaited: u32,
    spare: Vec<u8>,
}

/// What the commit thread does in one go: it writes the records, then sees to the tasks.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) frames: Vec<Gathered>,
    pub(super) count: u32,
    pub(super) bytes: usize,
    pub(super) promise: Promise,
    pub(super) tasks: Vec<(Task, Promise)>,
}

/// What a log is to do beside writing.
#[derive(Debug)]
pub(super) enum Task {
    /// Drop everything.
    Clear,
    /// Drop what is older.
    Expire(Timestamp),
    /// Become this.
    Replace(Vec<PartitionCopy>),
}

impl Journal {
    pub(super) fn new(log: Log) -> Self {
        let index = log.index();
        Self {
            waiting: Work::default(),
            resting: Some(Box::new(log)),
            thread: None,
            index,
            awaited: 1,
            spare: Vec::new(),
        }
    }

    /// Puts a record behind those that wait, its body given in parts.
    pub(super) fn push(&mut self, partition: u32, at: Timestamp, parts: &[&[u8]], length: usize) -> Arc<Receipt> {
        let work = &mut self.waiting;
        if work.frames.last().is_none_or(|frame| frame.bytes.len() >= FULL_FRAME) {
            work.frames.push(Gathered { bytes: std::mem::take(&mut self.spare), count: 0 });
        }
        if let Some(frame) = work.frames.last_mut() {
            push(&mut frame.bytes, partition, at, parts, length);
            frame.count += 1;
        }
        work.count += 1;
        work.bytes += length + RECORD_HEADER;
        work.promise.receipt()
    }

    /// Leaves a task for after the records that wait.
    pub(super) fn order(&mut self, task: Task) -> Arc<Receipt> {
        let promise = Promise::default();
        let receipt = promise.receipt();
        self.waiting.tasks.push((task, promise));
        receipt
    }

    /// Takes what waits, if anything does.
    pub(super) fn take(&mut self) -> Option<Work> {
        let is_empty = self.waiting.count == 0 && self.waiting.tasks.is_empty();
        (!is_empty).then(|| std::mem::take(&mut self.waiting))
    }

    /// Takes the log back, and lets go of what is kept for speed.
    pub(super) fn rest(&mut self, log: Option<Box<Log>>) {
        self.resting = log;
        self.spare = Vec::new();
    }

    /// Keeps the buffer of a written frame for the next one.
    pub(super) fn give_back(&mut self, frame: Gathered) {
        let mut bytes = frame.bytes;
        if bytes.capacity() <= KEPT_BUFFER {
            bytes.clear();
            self.spare = bytes;
        }
    }
}

impl Work {
    /// Tells all who wait that it will not be done.
    pub(super) fn refuse(&self, error: &crate::StoreError) {
        self.promise.complete(Err(error.clone()));
        for (_, promise) in &self.tasks {
            promise.complete(Err(error.clone()));
        }
    }
}
