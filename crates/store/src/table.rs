//! The typed working set of one collection.
//!
//! Held by the services, read on every request. Reading takes a read lock and clones an [`Arc`]; only a committing
//! transaction and an import write. It never touches a disk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::{Record, Versioned};

/// The records of one collection, by key; cheap to clone.
///
/// Keys are the service's own strings, such as `contoso-hub/dev1`, in the order of their bytes. A listing takes the
/// prefix that the keys must begin with; the empty prefix takes all.
pub struct Table<T> {
    pub(crate) rows: Arc<Rows<T>>,
}

impl<T: Record> Table<T> {
    /// The record under `key`.
    pub fn get(&self, key: &str) -> Option<Versioned<T>> {
        self.rows.content.read().rows.get(key).cloned()
    }

    /// The records whose keys begin with `prefix` and come after `after`, in key order, at most `limit`.
    pub fn page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<(Arc<str>, Versioned<T>)> {
        let content = self.rows.content.read();
        range(&content.rows, prefix, after).take(limit).map(|(key, row)| (Arc::clone(key), row.clone())).collect()
    }

    /// How many keys begin with `prefix`.
    ///
    /// At once for the empty prefix and for a first segment with its slash (`contoso-hub/`); any other prefix is walked.
    pub fn count(&self, prefix: &str) -> usize {
        self.rows.content.read().count(prefix)
    }

    /// How often the table has changed since it was opened: what was derived from it holds while this stays the same.
    pub fn changes(&self) -> u64 {
        self.rows.content.read().changes
    }

    /// All records whose keys begin with `prefix`, in key order, as of one moment.
    ///
    /// Writers wait meanwhile: who may meet many thousands of records takes them by [`Table::page`].
    pub fn all(&self, prefix: &str) -> Vec<(Arc<str>, Versioned<T>)> {
        self.page(prefix, None, usize::MAX)
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { rows: Arc::clone(&self.rows) }
    }
}

impl<T: Record> fmt::Debug for Table<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Table").field("collection", &T::COLLECTION).field("count", &self.count("")).finish()
    }
}

/// Stands for the store that a table belongs to: equal only to itself.
#[derive(Debug, Clone)]
pub(crate) struct Origin(Arc<u8>);

impl Origin {
    pub(crate) fn new() -> Self {
        Self(Arc::new(0))
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What all clones of a table share.
pub(crate) struct Rows<T> {
    pub(crate) origin: Origin,
    pub(crate) content: RwLock<Content<T>>,
}

/// The records, and how many there are under each first segment.
pub(crate) struct Content<T> {
    rows: BTreeMap<Arc<str>, Versioned<T>>,
    heads: BTreeMap<Box<str>, usize>,
    changes: u64,
}

impl<T> Rows<T> {
    pub(crate) fn new(origin: Origin, content: Content<T>) -> Self {
        Self { origin, content: RwLock::new(content) }
    }
}

impl<T> Default for Content<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), heads: BTreeMap::new(), changes: 0 }
    }
}

impl<T> Content<T> {
    pub(crate) fn rows(&self) -> &BTreeMap<Arc<str>, Versioned<T>> {
        &self.rows
    }

    pub(crate) fn insert(&mut self, key: Arc<str>, row: Versioned<T>) {
        self.changes += 1;
        match self.rows.entry(key) {
            Entry::Occupied(mut present) => *present.get_mut() = row,
            Entry::Vacant(free) => {
                if let Some(head) = head(free.key()) {
                    match self.heads.get_mut(head) {
                        Some(count) => *count += 1,
                        None => drop(self.heads.insert(head.into(), 1)),
                    }
                }
                free.insert(row);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        if self.rows.remove(key).is_none() {
            return;
        }
        self.changes += 1;
        let Some(head) = head(key) else { return };
        match self.heads.get_mut(head) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.heads.remove(head)),
        }
    }

    /// Takes the place of `before`, as one change more.
    pub(crate) fn follow(mut self, before: &Self) -> Self {
        self.changes = before.changes + 1;
        self
    }

    fn count(&self, prefix: &str) -> usize {
        if prefix.is_empty() {
            self.rows.len()
        } else if head(prefix) == Some(prefix) {
            self.heads.get(prefix).copied().unwrap_or(0)
        } else {
            range(&self.rows, prefix, None).count()
        }
    }
}

/// The entries whose keys begin with `prefix` and come after `after`, in order.
pub(crate) fn range<'a, V>(
    entries: &'a BTreeMap<Arc<str>, V>,
    prefix: &'a str,
    after: Option<&'a str>,
) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> {
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    entries.range::<str, _>((start, Bound::Unbounded)).take_while(move |(key, _)| key.starts_with(prefix))
}

/// The first segment of a key, with its slash.
fn head(key: &str) -> Option<&str> {
    key.find('/').map(|slash| &key[..=slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(keys: &[&str]) -> Content<u32> {
        let mut content = Content::default();
        for key in keys {
            content.insert(Arc::from(*key), Versioned { revision: 1, value: Arc::new(0) });
        }
        content
    }

    fn keys(content: &Content<u32>, prefix: &str, after: Option<&str>) -> Vec<String> {
        range(&content.rows, prefix, after).map(|(key, _)| key.to_string()).collect()
    }

    #[test]
    fn a_range_holds_only_the_prefix_and_goes_on_after_a_key() {
        let content = content(&["a/1", "a/2", "ab/1", "b/1"]);
        assert_eq!(keys(&content, "a/", None), ["a/1", "a/2"]);
        assert_eq!(keys(&content, "a/", Some("a/1")), ["a/2"]);
        assert_eq!(keys(&content, "b/", Some("a/1")), ["b/1"]);
        assert!(keys(&content, "a/", Some("b")).is_empty());
        assert_eq!(keys(&content, "", None).len(), 4);
    }

    #[test]
    fn counts_by_first_segment_equal_counts_by_walking() {
        let mut content = content(&["a/1", "a/2", "a/2", "ab/1", "b", "é/1"]);
        content.remove("a/1");
        content.remove("absent/1");
        content.insert(Arc::from("a/3"), Versioned { revision: 1, value: Arc::new(0) });
        content.remove("ab/1");
        for prefix in ["", "a", "a/", "a/2", "ab/", "b", "b/", "é/"] {
            assert_eq!(content.count(prefix), range(&content.rows, prefix, None).count(), "{prefix:?}");
        }
        assert_eq!(content.heads.len(), 2, "an emptied head is forgotten");
    }
}
