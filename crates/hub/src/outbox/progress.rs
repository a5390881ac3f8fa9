//! How far a partition of an outbox is done, in hand and as it is remembered.

use iolite_kernel::Timestamp;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// How far a partition is done; kept under `{hub}/{kind}/{name}/{partition}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    /// The number of the first record that is not done.
    pub(crate) next: u64,
    /// How often that one was tried.
    #[serde(default)]
    pub(crate) attempts: u32,
    /// Not before this moment is it tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<Timestamp>,
}

impl Record for Progress {
    const COLLECTION: &'static str = "hub.outbox-positions";
}

impl Progress {
    /// Nothing before the record `next` is to be done, and that one was not tried.
    pub(crate) const fn at(next: u64) -> Self {
        Self { next, attempts: 0, not_before: None }
    }
}
