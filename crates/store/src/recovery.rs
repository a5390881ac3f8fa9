//! What a start found on the disk.
//!
//! Made by [`Store::open`](crate::Store::open) for the line that the command prints. It never decides anything: what
//! cannot be mended is an [`OpenError`](crate::OpenError) instead.

use std::fmt;
use std::sync::Arc;

/// What was read back when a store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many records the store holds.
    pub records: usize,
    /// The revision of the last change that was read back; 0 for a new store.
    pub revision: u64,
    /// The unfinished write that was cut off, if the last run did not end in good order.
    pub torn_tail: Option<TornTail>,
}

/// A write that was never finished, and so never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The file it stood in.
    pub file: String,
    /// Where in the file it began, in bytes.
    pub position: u64,
    /// How much was cut, in bytes.
    pub bytes: u64,
}

impl fmt::Display for Recovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} records at revision {}", self.records, self.revision)?;
        if let Some(TornTail { file, position, bytes }) = &self.torn_tail {
            write!(
                formatter,
                "; an unfinished write of {bytes} bytes, never acknowledged, was cut from {file} at byte {position}"
            )?;
        }
        Ok(())
    }
}

/// A record that could not be read as what its collection holds; it stays on the disk as it is.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The collection.
    pub collection: Arc<str>,
    /// The record's key.
    pub key: Arc<str>,
    /// What is wrong with it.
    pub cause: String,
}
