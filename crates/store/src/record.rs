//! What a table holds: a record of one collection, with the revision of its last change.
//!
//! Implemented by the services for the things they remember. It never says how a record is kept.

use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A thing that is remembered, as JSON, under a key within its collection.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The collection's name (`hub.devices`): unique among all records of the process, and the same for ever, since it
    /// stands on the disk.
    const COLLECTION: &'static str;

    /// Appends the record as JSON to `text`: what its `Serialize` writes.
    ///
    /// A record that is made by the thousand may write itself another way, so long as it is the same JSON.
    fn write(&self, text: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(text, self)
    }
}

/// A record and the revision of the transaction that wrote it; cheap to clone.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The number of the transaction that wrote the value: it grows by one with every transaction of the store, and no
    /// two transactions share one.
    pub revision: u64,
    /// The record.
    pub value: Arc<T>,
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self { revision: self.revision, value: Arc::clone(&self.value) }
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
