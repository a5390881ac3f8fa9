//! What a hub's own properties say about cloud-to-device messages.
//!
//! Source: ARM's `properties.cloudToDevice` and its defaults (recorded), limits as documented in
//! iot-hub-devguide-messages-c2d (2026).

use iolite_kernel::SignedDuration;
use iolite_resources::Hub as HubRecord;
use serde_json::Value;

use crate::notifications::duration;

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
