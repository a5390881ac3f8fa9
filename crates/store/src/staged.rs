//! What a transaction wrote to one table and has not put in place yet.
//!
//! Used by the transaction alone, which keeps one for each table that it writes to, whatever the type of its records.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use crate::table::{Rows, range};
use crate::{Change, Record, Table, Versioned};

/// The writes to one table, whatever its type.
pub(crate) trait Staged {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn collection(&self) -> &'static str;

    /// Adds what is to be told of the writes.
    fn tell(&self, revision: u64, changes: &mut Vec<Change>);

    /// Puts the writes in place.
    fn apply(self: Box<Self>);
}

/// The writes to a table of `T`s.
pub(crate) struct StagedRows<T> {
    rows: Arc<Rows<T>>,
    /// In the order of keys; `None` where the record goes. Most transactions write one record to a table, and those that
    /// write many do so in this order: a list is shorter to make than a tree.
    writes: Vec<(Arc<str>, Written<T>)>,
}

/// The record as it will be; `None` if it goes.
type Written<T> = Option<Versioned<T>>;

impl<T: Record> StagedRows<T> {
    /// No writes to `table` yet.
    pub(crate) fn new(table: &Table<T>) -> Self {
        Self { rows: Arc::clone(&table.rows), writes: Vec::new() }
    }

    /// The write under `key`, if there is one.
    pub(crate) fn get(&self, key: &str) -> Option<&Written<T>> {
        self.place(key).ok().map(|at| &self.writes[at].1)
    }

    /// Writes under `key`, over what was written there before.
    pub(crate) fn set(&mut self, key: Arc<str>, written: Written<T>) {
        match self.place(&key) {
            Ok(at) => self.writes[at].1 = written,
            Err(at) => self.writes.insert(at, (key, written)),
        }
    }

    /// How many keys begin with `prefix` once the writes are in place; in the table there are `before`.
    pub(crate) fn count(&self, table: &Table<T>, prefix: &str, before: usize) -> usize {
        let (mut came, mut went) = (0, 0);
        for (key, written) in self.range(prefix, None) {
            match (table.get(key).is_some(), written.is_some()) {
                (false, true) => came += 1,
                (true, false) => went += 1,
                _ => {}
            }
        }
        before + came - went
    }

    /// A page of the table as the writes would leave it.
    pub(crate) fn merged(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<(Arc<str>, Versioned<T>)> {
        let content = self.rows.content.read();
        let mut kept = range(content.rows(), prefix, after).peekable();
        let mut written = self.range(prefix, after).peekable();
        let merged = std::iter::from_fn(|| {
            loop {
                let write_is_next = match (kept.peek(), written.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => false,
                    (None, Some(_)) => true,
                    (Some((old, _)), Some((new, _))) => new <= old,
                };
                if !write_is_next {
                    return kept.next().map(|(key, row)| (Arc::clone(key), row.clone()));
                }
                let (key, row) = written.next()?;
                kept.next_if(|(old, _)| *old == key);
                if let Some(row) = row {
                    return Some((Arc::clone(key), row.clone()));
                }
            }
        });
        merged.take(limit).collect()
    }

    /// Where the write under `key` stands, or where it would.
    fn place(&self, key: &str) -> Result<usize, usize> {
        match self.writes.last() {
            None => Err(0),
            Some((last, _)) if **last < *key => Err(self.writes.len()),
            Some(_) => self.writes.binary_search_by(|(written, _)| (**written).cmp(key)),
        }
    }

    /// The writes whose keys begin with `prefix` and come after `after`, in order.
    fn range(&self, prefix: &str, after: Option<&str>) -> impl Iterator<Item = (&Arc<str>, &Written<T>)> {
        let start =
            self.writes.partition_point(|(key, _)| **key < *prefix || after.is_some_and(|after| **key <= *after));
        let rest = self.writes[start..].iter().take_while(move |(key, _)| key.starts_with(prefix));
        rest.map(|(key, written)| (key, written))
    }
}

impl<T: Record> Staged for StagedRows<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn collection(&self) -> &'static str {
        T::COLLECTION
    }

    fn tell(&self, revision: u64, changes: &mut Vec<Change>) {
        changes.extend(self.writes.iter().map(|(key, _)| Change {
            collection: Cow::Borrowed(T::COLLECTION),
            key: Some(Arc::clone(key)),
            revision,
        }));
    }

    fn apply(self: Box<Self>) {
        let mut content = self.rows.content.write();
        for (key, written) in self.writes {
            match written {
                Some(row) => content.insert(key, row),
                None => content.remove(&key),
            }
        }
    }
}
