//! What keeps the log, behind one small trait.
//!
//! Called only by the store, from one thread at a time. [`MemoryEngine`] keeps nothing, [`SqliteEngine`] keeps a
//! directory; an engine over PostgreSQL or JetStream would stand beside them. An engine never looks into a record: it
//! keeps the bytes of changes, and gives them back as they were.

mod memory;
mod sqlite;

use std::error::Error;

pub use crate::frame::{Malformed, Write, writes};
pub use memory::MemoryEngine;
pub use sqlite::SqliteEngine;

/// Keeps a log of changes.
///
/// The log is a sequence of changes, each with a revision; the first has revision 1, each next one more. An engine may
/// fold an early part of it into a snapshot: the records as they stand after some revision.
pub trait Engine: Send {
    /// Whether an append is done as soon as it is called and never waits. The store then appends within the transaction
    /// instead of handing the change to its commit thread.
    fn is_immediate(&self) -> bool {
        false
    }

    /// Gives every record of the snapshot to `visit`, in any order, and returns the revision up to which changes are in
    /// it (0 when there is none). Reading goes on with [`Engine::read_from`] that revision.
    fn snapshot(&mut self, visit: &mut dyn FnMut(SnapshotRecord<'_>)) -> Result<u64, EngineError>;

    /// Gives every change after revision `after`, in order and without a gap, to `visit`, and returns the revision of
    /// the last one (`after` when there is none). Changes that are already folded cannot be read: that is an error.
    fn read_from(&mut self, after: u64, visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, EngineError>;

    /// Appends all changes of the batch, or none, and returns when they are as durable as the engine makes them.
    ///
    /// The batch must follow the log's last change: if `batch.first_revision` is not the next revision, the engine
    /// refuses it with [`EngineError::OutOfOrder`] and keeps nothing. After any other error it is unknown what is kept,
    /// and the store appends nothing more, ever: a second fsync may report success for pages that the first one lost.
    fn append(&mut self, batch: &Batch<'_>) -> Result<(), EngineError>;

    /// A moment for upkeep (folding, freeing space), called between appends. It does at most a few milliseconds of work
    /// and returns whether more is worth doing now. `idle` says that no change is waiting. An error counts as an append's.
    fn tend(&mut self, idle: bool) -> Result<Upkeep, EngineError> {
        let _ = idle;
        Ok(Upkeep::Done)
    }

    /// Leaves what is kept in good order before the engine is dropped. What was appended is kept also without it.
    fn close(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Changes that were gathered to be appended together.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The revision of the first change.
    pub first_revision: u64,
    /// How many changes there are; at least one.
    pub count: u32,
    /// The changes one after another, each with its length before it (32 bits, little-endian).
    pub bytes: &'a [u8],
}

/// A record of an engine's snapshot.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotRecord<'a> {
    /// The collection.
    pub collection: &'a str,
    /// The record's key.
    pub key: &'a str,
    /// The record as JSON.
    pub value: &'a [u8],
    /// The revision of the change that wrote it.
    pub revision: u64,
}

/// Whether upkeep is worth calling again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing is left to do until more is appended.
    Done,
    /// There is more to do.
    More,
}

/// Why an engine could not keep or read.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The batch does not follow the log's last change.
    #[error("the log is at revision {last}, and a batch from revision {first} on does not follow it")]
    OutOfOrder {
        /// The log's last revision.
        last: u64,
        /// The batch's first.
        first: u64,
    },
    /// The changes asked for are no longer in the log.
    #[error("the changes after revision {after} cannot be read: those up to {folded} are folded")]
    Folded {
        /// After which revision they were asked for.
        after: u64,
        /// The last revision that is folded.
        folded: u64,
    },
    /// What is kept is not what was appended.
    #[error("damaged at {position}: {what}")]
    Corrupt {
        /// Where: a byte, a page, or a log entry.
        position: String,
        /// What is wrong there.
        what: String,
    },
    /// What lies below failed: the disk, the file system, the network.
    #[error("{0}")]
    Io(#[source] Box<dyn Error + Send + Sync>),
}

impl Batch<'_> {
    /// The changes with their revisions, in order; an error if the bytes hold fewer or more than `count`.
    pub fn changes(&self) -> impl Iterator<Item = Result<(u64, &[u8]), Malformed>> {
        let mut rest = crate::frame::Reader(self.bytes);
        let mut next = 0;
        std::iter::from_fn(move || {
            if next == self.count {
                let surplus = !std::mem::take(&mut rest.0).is_empty();
                return surplus.then_some(Err(Malformed));
            }
            let Some(change) = rest.bytes() else {
                next = self.count;
                rest.0 = &[];
                return Some(Err(Malformed));
            };
            let revision = self.first_revision + u64::from(next);
            next += 1;
            Some(Ok((revision, change)))
        })
    }
}
