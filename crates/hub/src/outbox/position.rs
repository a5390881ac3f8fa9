//! How far a partition of an outbox is done, as it is remembered.

use iolite_kernel::Timestamp;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use super::Progress;

/// The record of a partition's position, keyed `{hub}/{kind}/{name}/{partition}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutboxPosition {
    /// The number of the first record that is not done.
    pub(super) next: u64,
    /// How often that one was tried.
    #[serde(default)]
    pub(super) attempts: u32,
    /// Not before this moment is it tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_before: Option<Timestamp>,
}

impl Record for OutboxPosition {
    const COLLECTION: &'static str = "hub.outbox-positions";
}

impl From<Progress> for OutboxPosition {
    fn from(progress: Progress) -> Self {
        Self { next: progress.next, attempts: progress.attempts, not_before: progress.not_before }
    }
}
