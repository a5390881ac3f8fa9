//! A notice as it is kept.

use iolite_kernel::Timestamp;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// A notice that waits; keyed by hub, queue and sequence number, so that a queue lists in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// Its place in the queue.
    pub sequence_number: u64,
    /// JSON text.
    pub body: String,
    /// When it was made.
    pub enqueued_at: Timestamp,
    /// When nobody wants it any more.
    pub expires_at: Timestamp,
    /// How often it was given back.
    pub delivery_count: u32,
}

impl Record for NoticeRecord {
    const COLLECTION: &'static str = "hub.notices";
}
