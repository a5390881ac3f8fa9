//! What [`Store::watch`](crate::Store::watch) tells.
//!
//! Sent by the engine's side of the store once a change is durable. It never carries the record: who wants it reads the
//! table, which may already hold a later one.

use std::borrow::Cow;
use std::sync::Arc;

/// One committed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The collection.
    pub collection: Cow<'static, str>,
    /// The record's key; `None` where the whole collection was cleared or replaced.
    pub key: Option<Arc<str>>,
    /// The transaction's revision.
    pub revision: u64,
}
