//! All collections of a store: typed where a service asked for the table, raw where nobody has yet.
//!
//! Used by the store alone, at start-up, for tables, and for whole-world copies. It never changes a record.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::table::{Content, Origin, Rows};
use crate::{Record, StoreError, Table, Unreadable, Versioned};

/// The collections by name.
pub(crate) struct Registry {
    pub(crate) origin: Origin,
    pub(crate) collections: Mutex<BTreeMap<Arc<str>, Collection>>,
}

/// One collection.
#[derive(Default)]
pub(crate) struct Collection {
    /// Records as they stand on the disk: all of them until the table is asked for, then those that could not be read.
    pub(crate) raw: BTreeMap<Arc<str>, RawRecord>,
    typed: Option<Arc<dyn Typed>>,
}

/// A record that nobody has decoded.
#[derive(Debug, Clone)]
pub(crate) struct RawRecord {
    pub(crate) revision: u64,
    pub(crate) value: Box<[u8]>,
}

/// Records as JSON, by key.
pub(crate) type Records = BTreeMap<Arc<str>, Box<[u8]>>;

/// A step that puts decoded records in place under the revision of the import.
pub(crate) type Replace = Box<dyn FnOnce(u64)>;

/// Records taken out of their table, to be written as JSON later.
pub(crate) type Frozen = Box<dyn FnOnce() -> Vec<(Arc<str>, Result<Vec<u8>, serde_json::Error>)>>;

impl Registry {
    pub(crate) fn new(raw: BTreeMap<Arc<str>, BTreeMap<Arc<str>, RawRecord>>) -> Self {
        let collections = raw.into_iter().map(|(name, raw)| (name, Collection { raw, typed: None })).collect();
        Self { origin: Origin::new(), collections: Mutex::new(collections) }
    }

    /// The table of `T`, decoding what was read back the first time that it is asked for.
    pub(crate) fn table<T: Record>(&self) -> Table<T> {
        let mut collections = self.collections.lock();
        let collection = collections.entry(Arc::from(T::COLLECTION)).or_default();
        if let Some(typed) = &collection.typed {
            let Ok(rows) = Arc::clone(typed).into_any().downcast::<Rows<T>>() else {
                panic!("two types of record claim the collection {}", T::COLLECTION);
            };
            return Table { rows };
        }
        let rows = Arc::new(Rows::new(self.origin.clone(), collection.decode::<T>()));
        collection.typed = Some(Arc::clone(&rows) as Arc<dyn Typed>);
        Table { rows }
    }

    /// The records that their tables could not read.
    pub(crate) fn unreadable(&self) -> Vec<Unreadable> {
        let collections = self.collections.lock();
        collections
            .iter()
            .filter_map(|(name, collection)| collection.typed.as_ref().map(|typed| (name, collection, typed)))
            .flat_map(|(name, collection, typed)| {
                collection.raw.iter().map(move |(key, record)| Unreadable {
                    collection: Arc::clone(name),
                    key: Arc::clone(key),
                    cause: typed.complaint(&record.value),
                })
            })
            .collect()
    }
}

impl Collection {
    /// Moves what can be read from the raw records to typed ones.
    fn decode<T: Record>(&mut self) -> Content<T> {
        let mut content = Content::default();
        let mut unread = BTreeMap::new();
        for (key, record) in std::mem::take(&mut self.raw) {
            match serde_json::from_slice(&record.value) {
                Ok(value) => content.insert(key, Versioned { revision: record.revision, value: Arc::new(value) }),
                Err(error) => {
                    tracing::error!(collection = T::COLLECTION, %key, %error, "a kept record cannot be read");
                    unread.insert(key, record);
                }
            }
        }
        self.raw = unread;
        content
    }

    /// Makes ready to hold exactly `records`, as JSON; nothing changes until the step is taken.
    pub(crate) fn replace(&self, records: &Records) -> Result<Replace, StoreError> {
        match &self.typed {
            Some(typed) => Arc::clone(typed).replace(records),
            None => Ok(Box::new(|_| ())),
        }
    }

    /// Sets the raw records after an import: those of an untyped collection, none of a typed one.
    pub(crate) fn set_raw(&mut self, records: &Records, revision: u64) {
        self.raw = match self.typed {
            Some(_) => BTreeMap::new(),
            None => records
                .iter()
                .map(|(key, value)| (Arc::clone(key), RawRecord { revision, value: value.clone() }))
                .collect(),
        };
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.typed.as_ref().is_none_or(|typed| typed.is_empty())
    }

    pub(crate) fn freeze(&self) -> (BTreeMap<Arc<str>, RawRecord>, Option<Frozen>) {
        (self.raw.clone(), self.typed.as_ref().map(|typed| Arc::clone(typed).freeze()))
    }
}

/// The names of the collections that hold something, now or in `others`.
pub(crate) fn names<'a>(
    collections: &BTreeMap<Arc<str>, Collection>,
    others: impl Iterator<Item = &'a Arc<str>>,
) -> BTreeSet<Arc<str>> {
    let held = collections.iter().filter(|(_, collection)| !collection.is_empty()).map(|(name, _)| name);
    held.cloned().chain(others.cloned()).collect()
}

/// A table, whatever its type.
trait Typed: Send + Sync {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn is_empty(&self) -> bool;
    fn complaint(&self, value: &[u8]) -> String;
    fn replace(self: Arc<Self>, records: &Records) -> Result<Replace, StoreError>;
    fn freeze(self: Arc<Self>) -> Frozen;
}

impl<T: Record> Typed for Rows<T> {
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn is_empty(&self) -> bool {
        self.content.read().rows().is_empty()
    }

    fn complaint(&self, value: &[u8]) -> String {
        serde_json::from_slice::<T>(value).err().map_or_else(String::new, |error| error.to_string())
    }

    fn replace(self: Arc<Self>, records: &Records) -> Result<Replace, StoreError> {
        let mut decoded = Vec::with_capacity(records.len());
        for (key, value) in records {
            let value = serde_json::from_slice::<T>(value).map_err(|error| StoreError::Unreadable {
                collection: T::COLLECTION.to_owned(),
                key: key.to_string(),
                cause: error.to_string(),
            })?;
            decoded.push((Arc::clone(key), Arc::new(value)));
        }
        Ok(Box::new(move |revision| {
            let mut content = Content::default();
            for (key, value) in decoded {
                content.insert(key, Versioned { revision, value });
            }
            let mut present = self.content.write();
            *present = content.follow(&present);
        }))
    }

    fn freeze(self: Arc<Self>) -> Frozen {
        let rows = self.content.read().rows().clone();
        Box::new(move || {
            rows.into_iter()
                .map(|(key, row)| {
                    let mut text = Vec::new();
                    let written = row.value.write(&mut text);
                    (key, written.map(|()| text))
                })
                .collect()
        })
    }
}
