//! Feedback: what became of messages, gathered into batches for the service's receivers.
//!
//! Source: iot-hub-devguide-messages-c2d (2026): a batch is sent with 64 records, or fifteen seconds after its first.

use iolite_kernel::{SignedDuration, Timestamp};

use crate::Hub;

/// How many records make a batch.
const MOST_RECORDS: usize = 64;
/// How long the first record waits for others.
const WAIT: SignedDuration = SignedDuration::from_secs(15);

impl Hub {
    /// Makes the batches that are due at `now`; when the next one is.
    pub(crate) async fn gather_feedback(&self, now: Timestamp) -> Option<Timestamp> {
        let _ = (MOST_RECORDS, WAIT, now);
        None
    }
}
