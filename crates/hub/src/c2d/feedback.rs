//! Feedback: what became of messages, gathered into batches for the service's receivers.
//!
//! Source: iot-hub-devguide-messages-c2d (2026): a batch is sent with 64 records, or fifteen seconds after its first.

use iolite_kernel::{ServiceError, SignedDuration, Timestamp};

use crate::c2d::FeedbackRecord;
use crate::c2d::outcome::made_at;
use crate::notifications::NoticeQueue;
use crate::{Hub, ids};

/// How many records make a batch.
const MOST_RECORDS: usize = 64;
/// How long the first record waits for others.
const WAIT: SignedDuration = SignedDuration::from_secs(15);

impl Hub {
    /// Makes the batches that are due at `now`; when the next one is.
    pub(crate) async fn gather_feedback(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next = None;
        let mut after: Option<String> = None;
        // One hub after the other, by the first record of each.
        while let Some((key, first)) = self.feedback_records.page("", after.as_deref(), 1).pop() {
            let hub = ids::hub_of(&key).to_owned();
            after = Some(format!("{hub}/\u{10ffff}"));
            let due = made_at(&first).ok().and_then(|at| at.checked_add(WAIT).ok()).unwrap_or(now);
            if due > now && self.feedback_records.page(&format!("{hub}/"), None, MOST_RECORDS).len() < MOST_RECORDS {
                next = next.into_iter().chain([due]).min();
                continue;
            }
            match self.send_feedback(&hub, now).await {
                // There may be another batch.
                Ok(()) => after = None,
                Err(error) => tracing::warn!(%error, hub, "feedback could not be sent"),
            }
        }
        next
    }

    /// Makes one batch of the records that wait.
    async fn send_feedback(&self, hub: &str, now: Timestamp) -> Result<(), ServiceError> {
        let sent = self.store.transact(|transaction| {
            let records = transaction.page(&self.feedback_records, &format!("{hub}/"), None, MOST_RECORDS);
            if records.is_empty() {
                // The hub was deleted, and its records with it.
                return Ok(());
            }
            let batch: Vec<&FeedbackRecord> = records.iter().map(|(_, record)| &**record).collect();
            let body = serde_json::to_string(&batch).unwrap_or_else(|_| "[]".to_owned());
            self.put_notice(transaction, hub, NoticeQueue::Feedback, body, now);
            for (key, _) in &records {
                transaction.delete(&self.feedback_records, key);
            }
            Ok::<_, ServiceError>(())
        });
        sent.await?;
        self.notices.ring();
        Ok(())
    }
}
