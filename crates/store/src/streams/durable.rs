//! What an appender is told: where its record is, and when it is safe.
//!
//! A connection with many records in flight keeps their [`Durable`]s in a queue and waits for the oldest; when that one
//! is woken, those gathered with it are done as well. So one waiter per connection is enough, and each gathered batch
//! wakes only who has something in it.

use std::sync::Arc;

use crate::StoreError;
use crate::receipt::Receipt;

/// A record that was taken.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Its number in the partition.
    pub sequence: u64,
    /// Where it begins in the partition, in bytes.
    pub offset: u64,
    /// When it may be acknowledged.
    pub durable: Durable,
}

/// Tells when a record is as safe as its stream makes it: on the disk, or, without a directory, at once.
///
/// Records of one stream become durable in the order in which they were appended.
#[derive(Debug, Clone)]
pub struct Durable(Option<Arc<Receipt>>);

impl Durable {
    /// Nothing to wait for.
    pub(super) fn now() -> Self {
        Self(None)
    }

    pub(super) fn on(receipt: Arc<Receipt>) -> Self {
        Self(Some(receipt))
    }

    /// Whether the outcome is known, so that [`Durable::wait`] does not wait.
    pub fn is_settled(&self) -> bool {
        self.outcome().is_some()
    }

    /// The outcome, if it is known.
    pub fn outcome(&self) -> Option<Result<(), StoreError>> {
        match &self.0 {
            None => Some(Ok(())),
            Some(receipt) => receipt.outcome().cloned(),
        }
    }

    /// Waits until the record is on the disk; an error if it is not known to be there and never will be. Then it must
    /// not be acknowledged.
    pub async fn wait(&self) -> Result<(), StoreError> {
        match &self.0 {
            None => Ok(()),
            Some(receipt) => receipt.wait().await,
        }
    }
}
