//! A change in the making: reads that see its own writes, writes that are kept together or not at all.
//!
//! Given to the closure of [`Store::transact`](crate::Store::transact), under the store's one writer lock. It never
//! waits, and touches the tables only when it is committed.

use std::fmt;
use std::sync::Arc;

use crate::committer::Writer;
use crate::frame::{self, LONGEST_CHANGE};
use crate::registry::Records;
use crate::staged::{Staged, StagedRows};
use crate::table::Origin;
use crate::watches::Watches;
use crate::{Record, StoreError, Table, Versioned};

/// The writes of a closure so far.
///
/// Dropped without a commit, by an error or a panic of the closure, it leaves nothing behind.
pub struct Transaction<'a> {
    writer: &'a mut Writer,
    origin: &'a Origin,
    /// Where in the writer's bytes this transaction begins.
    start: usize,
    staged: Vec<Box<dyn Staged>>,
    failed: Option<StoreError>,
}

impl Transaction<'_> {
    /// The record under `key`, as this transaction would leave it.
    pub fn get<T: Record>(&self, table: &Table<T>, key: &str) -> Option<Versioned<T>> {
        match self.staged::<T>().and_then(|staged| staged.get(key)) {
            Some(written) => written.clone(),
            None => table.get(key),
        }
    }

    /// The records whose keys begin with `prefix` and come after `after`, in key order, at most `limit`, as this
    /// transaction would leave them.
    pub fn page<T: Record>(
        &self,
        table: &Table<T>,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<(Arc<str>, Versioned<T>)> {
        match self.staged::<T>() {
            Some(staged) => staged.merged(prefix, after, limit),
            None => table.page(prefix, after, limit),
        }
    }

    /// All records whose keys begin with `prefix`, in key order, as this transaction would leave them.
    pub fn all<T: Record>(&self, table: &Table<T>, prefix: &str) -> Vec<(Arc<str>, Versioned<T>)> {
        self.page(table, prefix, None, usize::MAX)
    }

    /// How many keys begin with `prefix`, as this transaction would leave them.
    pub fn count<T: Record>(&self, table: &Table<T>, prefix: &str) -> usize {
        let before = table.count(prefix);
        self.staged::<T>().map_or(before, |staged| staged.count(table, prefix, before))
    }

    /// The revision that this transaction's writes will carry.
    pub fn revision(&self) -> u64 {
        self.writer.next_revision()
    }

    /// Makes `value` the record under `key`.
    ///
    /// A value that cannot be written as JSON, or a table of another store, fails the whole transaction when it ends.
    /// A record that the caller goes on with may be given as an [`Arc`].
    pub fn put<T: Record>(&mut self, table: &Table<T>, key: &str, value: impl Into<Arc<T>>) {
        self.put_at(table, Arc::from(key), value);
    }

    /// The same under a key that other tables share.
    pub fn put_at<T: Record>(&mut self, table: &Table<T>, key: Arc<str>, value: impl Into<Arc<T>>) {
        let value = value.into();
        if !self.admits(table) {
            return;
        }
        let bytes = &mut self.writer.pending.bytes;
        if let Err(error) = frame::put(bytes, T::COLLECTION, &key, |text| value.write(text)) {
            self.fail(StoreError::Unwritable {
                collection: T::COLLECTION,
                key: key.to_string(),
                cause: error.to_string(),
            });
            return;
        }
        let row = Versioned { revision: self.revision(), value };
        self.stage(table).set(key, Some(row));
    }

    /// Removes the record under `key`; where there is none, nothing happens.
    pub fn delete<T: Record>(&mut self, table: &Table<T>, key: &str) {
        if !self.admits(table) || self.get(table, key).is_none() {
            return;
        }
        frame::delete(&mut self.writer.pending.bytes, T::COLLECTION, key);
        self.stage(table).set(Arc::from(key), None);
    }

    fn admits<T: Record>(&mut self, table: &Table<T>) -> bool {
        let known = table.rows.origin.is(self.origin);
        if !known {
            self.fail(StoreError::ForeignTable { collection: T::COLLECTION });
        }
        known
    }

    fn fail(&mut self, error: StoreError) {
        self.failed.get_or_insert(error);
    }

    fn staged<T: Record>(&self) -> Option<&StagedRows<T>> {
        self.staged.iter().find_map(|staged| staged.as_any().downcast_ref())
    }

    fn stage<T: Record>(&mut self, table: &Table<T>) -> &mut StagedRows<T> {
        let at = self.staged.iter().position(|staged| staged.as_any().is::<StagedRows<T>>()).unwrap_or_else(|| {
            self.staged.push(Box::new(StagedRows::new(table)));
            self.staged.len() - 1
        });
        match self.staged[at].as_any_mut().downcast_mut() {
            Some(staged) => staged,
            None => unreachable!("the position was found by this type"),
        }
    }
}

/// The steps that the store takes around the closure.
impl<'a> Transaction<'a> {
    pub(crate) fn begin(writer: &'a mut Writer, origin: &'a Origin) -> Self {
        let start = writer.pending.bytes.len();
        writer.pending.bytes.extend_from_slice(&[0; 4]);
        Self { writer, origin, start, staged: Vec::new(), failed: None }
    }

    /// Writes that a collection holds exactly `records`; the caller puts them in place.
    pub(crate) fn replace(&mut self, collection: &str, records: &Records) {
        let bytes = &mut self.writer.pending.bytes;
        frame::clear(bytes, collection);
        for (key, value) in records {
            frame::put_raw(bytes, collection, key, value);
        }
    }

    /// Hands the bytes to the log and the values to the tables; `false` if there is nothing to keep.
    pub(crate) fn commit(mut self, watches: Option<&Watches>) -> Result<bool, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let length = self.writer.pending.bytes.len() - self.start - 4;
        if length == 0 {
            return Ok(false);
        }
        if self.writer.pending.bytes.len() > LONGEST_CHANGE {
            return Err(StoreError::TooLarge { bytes: length, limit: LONGEST_CHANGE });
        }
        let prefix = frame::length_bytes(length);
        self.writer.pending.bytes[self.start..self.start + 4].copy_from_slice(&prefix);
        let revision = self.revision();
        self.writer.enlist()?;
        self.start = self.writer.pending.bytes.len();
        let mut changes = Vec::new();
        for staged in self.staged.drain(..) {
            if watches.is_some_and(|watches| watches.wants(staged.collection())) {
                staged.tell(revision, &mut changes);
            }
            staged.apply();
        }
        // Asked once all is in place: whoever looks at the tables from now on sees what was changed.
        if let Some(watches) = watches {
            self.writer.pending.changes.extend(changes.into_iter().filter(|change| watches.concern(change)));
        }
        Ok(true)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.writer.pending.bytes.truncate(self.start);
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transaction").field("revision", &self.revision()).finish_non_exhaustive()
    }
}
