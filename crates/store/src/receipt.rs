//! How a waiter learns that what was gathered is durable.
//!
//! Made by the committers of the store and of the streams, one for each gathered batch; waited for by whoever made a
//! change in it. It never reports twice: the first outcome counts.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::StoreError;

/// The side of a receipt that completes it, at the latest when it is dropped: no writer waits for ever.
#[derive(Debug, Default)]
pub(crate) struct Promise(Arc<Receipt>);

/// Told when the changes gathered together are durable, or never will be.
#[derive(Debug, Default)]
pub(crate) struct Receipt {
    outcome: OnceLock<Result<(), StoreError>>,
    done: Notify,
}

impl Promise {
    /// The side that waits.
    pub(crate) fn receipt(&self) -> Arc<Receipt> {
        Arc::clone(&self.0)
    }

    /// Tells all waiters.
    pub(crate) fn complete(&self, outcome: Result<(), StoreError>) {
        // Only the first outcome counts; what is said when the promise is dropped comes too late.
        drop(self.0.outcome.set(outcome));
        self.0.done.notify_waiters();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.0.outcome.get().is_none() {
            self.complete(Err(StoreError::Closed));
        }
    }
}

impl Receipt {
    /// The outcome, if it is known.
    pub(crate) fn outcome(&self) -> Option<&Result<(), StoreError>> {
        self.outcome.get()
    }

    /// Waits until the outcome is known.
    pub(crate) async fn wait(&self) -> Result<(), StoreError> {
        // Made before the look at the outcome: a wake-up between the two reaches it.
        let done = self.done.notified();
        if let Some(outcome) = self.outcome.get() {
            return outcome.clone();
        }
        done.await;
        self.outcome.get().cloned().unwrap_or(Err(StoreError::Closed))
    }
}
