//! What a hub's own properties say about cloud-to-device messages.
//!
//! Source: ARM's `properties.cloudToDevice` and its defaults (recorded), limits as documented in
//! iot-hub-devguide-messages-c2d (2026).

use iolite_kernel::SignedDuration;
use iolite_resources::Hub as HubRecord;
use serde_json::Value;

/// How many messages may wait for one identity.
pub(crate) const MOST_WAITING: usize = 50;
/// The largest message, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;
/// The longest a message may live.
pub(crate) const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(48);

const USUAL_LIFE: SignedDuration = SignedDuration::from_hours(1);
const USUAL_DELIVERIES: u32 = 10;

/// How long a message lives that does not say so itself.
pub(crate) fn default_life(hub: &HubRecord) -> SignedDuration {
    duration(of(hub, "defaultTtlAsIso8601")).map_or(USUAL_LIFE, |life| life.min(LONGEST_LIFE))
}

/// How often a message may be given back.
pub(crate) fn most_deliveries(hub: &HubRecord) -> u32 {
    let given = of(hub, "maxDeliveryCount").and_then(Value::as_u64);
    given.and_then(|count| u32::try_from(count).ok()).map_or(USUAL_DELIVERIES, |count| count.clamp(1, 100))
}

fn of<'a>(hub: &'a HubRecord, name: &str) -> Option<&'a Value> {
    hub.other_properties.get("cloudToDevice")?.get(name)
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
        assert_eq!(duration(Some(&json!("PT1H"))), Some(SignedDuration::from_hours(1)));
        assert_eq!(duration(Some(&json!("P1DT2H"))), Some(SignedDuration::from_hours(26)));
        for odd in [json!("1 hour ago or so"), json!(5), json!("PT0S")] {
            assert_eq!(duration(Some(&odd)), None);
        }
    }
}
