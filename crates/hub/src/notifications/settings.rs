//! What a hub's own properties say about its queues of notices.
//!
//! Source: ARM's `properties.cloudToDevice.feedback` and `properties.messagingEndpoints.fileNotifications` with their recorded
//! defaults; ranges as documented (lock 5 to 300 seconds, life 1 minute to 2 days, deliveries 1 to 100).

use iolite_kernel::SignedDuration;
use iolite_resources::Hub as HubRecord;
use serde_json::Value;

use super::NoticeQueue;

/// How one queue works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueSettings {
    /// How long a notice is its taker's.
    pub(super) lock: SignedDuration,
    /// How long a notice waits.
    pub(super) life: SignedDuration,
    /// How often it may be given back.
    pub(super) most_deliveries: u32,
}

const USUAL: QueueSettings =
    QueueSettings { lock: SignedDuration::from_mins(1), life: SignedDuration::from_hours(1), most_deliveries: 10 };

impl QueueSettings {
    /// Those of `queue` of `hub`; a hub that is gone has the usual ones.
    pub(super) fn of(hub: Option<&HubRecord>, queue: NoticeQueue) -> Self {
        let section = hub.and_then(|hub| {
            let properties = &hub.other_properties;
            match queue {
                NoticeQueue::Feedback => properties.get("cloudToDevice")?.get("feedback"),
                NoticeQueue::FileNotifications => properties.get("messagingEndpoints")?.get("fileNotifications"),
            }
        });
        let Some(section) = section else { return USUAL };
        let lock = duration(section.get("lockDurationAsIso8601")).unwrap_or(USUAL.lock);
        let life = duration(section.get("ttlAsIso8601")).unwrap_or(USUAL.life);
        let deliveries = section.get("maxDeliveryCount").and_then(Value::as_u64);
        let deliveries = deliveries.and_then(|count| u32::try_from(count).ok()).unwrap_or(USUAL.most_deliveries);
        Self {
            lock: lock.clamp(SignedDuration::from_secs(5), SignedDuration::from_mins(5)),
            life: life.clamp(SignedDuration::from_mins(1), SignedDuration::from_hours(48)),
            most_deliveries: deliveries.clamp(1, 100),
        }
    }
}

/// A duration as ARM writes it (`PT1H`, `P1DT2H`); a day has 24 hours.
pub(crate) fn duration(value: Option<&Value>) -> Option<SignedDuration> {
    let span: jiff::Span = value?.as_str()?.parse().ok()?;
    let seconds = span.total(jiff::SpanTotal::from(jiff::Unit::Second).days_are_24_hours()).ok()?;
    SignedDuration::try_from_secs_f64(seconds).ok().filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_those_of_arm() {
        assert_eq!(duration(Some(&json!("P1DT2H"))), Some(SignedDuration::from_hours(26)));
        for odd in [json!("an hour"), json!(5), json!("PT0S"), json!("-PT1S")] {
            assert_eq!(duration(Some(&odd)), None, "{odd}");
        }
    }
}
