//! What became of a message, for the sender who asked to hear of it.
//!
//! Recorded in the very change that ends the message, and gathered into batches by `feedback`.

use iolite_kernel::{ServiceError, Timestamp, iso_shortest};
use iolite_messaging::SystemName;
use iolite_store::{Record, Transaction};
use serde::{Deserialize, Serialize};

use crate::c2d::Bound;
use crate::{Hub, ids};

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// The device completed it.
    Success,
    /// Nobody took it in time.
    Expired,
    /// It was given back too often.
    DeliveryCountExceeded,
    /// The device refused it.
    Rejected,
    /// Its queue was purged.
    Purged,
}

/// A record of feedback, as the service's receivers read it; keyed by hub, revision and the message's sequence number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedbackRecord {
    pub(crate) original_message_id: String,
    pub(crate) description: Outcome,
    pub(crate) device_generation_id: String,
    pub(crate) device_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) module_id: Option<String>,
    pub(crate) enqueued_time_utc: String,
    pub(crate) status_code: Outcome,
}

impl Record for FeedbackRecord {
    const COLLECTION: &'static str = "hub.feedback-records";
}

impl Hub {
    /// Records what became of the message `bound` for the identity under `key`; whether its sender asked to hear of it.
    pub(crate) fn note_outcome(
        &self,
        transaction: &mut Transaction<'_>,
        key: &str,
        bound: &Bound,
        outcome: Outcome,
        now: Timestamp,
    ) -> bool {
        if !bound.ack().wants(outcome == Outcome::Success) {
            return false;
        }
        let (hub, device_id) = (ids::hub_of(key), ids::device_of(key));
        let generation = match ids::module_of(key) {
            None => transaction.get(&self.devices, key).map(|device| device.generation),
            Some(_) => transaction.get(&self.modules, key).map(|module| module.generation),
        };
        let record = FeedbackRecord {
            original_message_id: bound.message.system(SystemName::MessageId).unwrap_or_default().to_owned(),
            description: outcome,
            device_generation_id: generation.map(|number| number.to_string()).unwrap_or_default(),
            device_id: device_id.to_owned(),
            module_id: ids::module_of(key).map(str::to_owned),
            enqueued_time_utc: iso_shortest(now),
            status_code: outcome,
        };
        let at = format!("{hub}/{:020}/{:020}", transaction.revision(), bound.sequence_number);
        transaction.put(&self.feedback_records, &at, record);
        true
    }
}

/// Reads when a record was made.
pub(crate) fn made_at(record: &FeedbackRecord) -> Result<Timestamp, ServiceError> {
    record.enqueued_time_utc.parse().map_err(|error| {
        ServiceError::new(&crate::errors::SERVER_ERROR, "A feedback record cannot be read.").because(error)
    })
}
