//! A device or module connected or disconnected.

use iolite_kernel::{Ground, Timestamp};
use serde_json::json;

use super::{About, OwnEvent, event};
use crate::routing::Source;

/// What became of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is there.
    Connected,
    /// It is gone.
    Disconnected,
}

/// The event that a device's or module's connection is in `state` now. `count` grows with every event of the hub, so that
/// of two events at one moment the later one has the greater number.
#[must_use]
pub fn connection_state(ground: &Ground, about: About<'_>, state: ConnectionState, count: u64) -> OwnEvent {
    let operation = match state {
        ConnectionState::Connected => "deviceConnected",
        ConnectionState::Disconnected => "deviceDisconnected",
    };
    let body = json!({ "sequenceNumber": sequence_number(about.at, count) }).to_string();
    let source = Source::DeviceConnectionStateEvents;
    event(ground, source, about, "deviceConnectionStateNotification", operation, body.into_bytes())
}

/// 64 hexadecimal digits that compare as text: the time in steps of 100 ns since 1601, then the count. Published numbers
/// are made so (iot-hub-non-telemetry-event-schema).
fn sequence_number(at: Timestamp, count: u64) -> String {
    const STEPS_FROM_1601_TO_1970: i128 = 116_444_736_000_000_000;
    let steps = at.as_nanosecond().div_euclid(100) + STEPS_FROM_1601_TO_1970;
    format!("{:016x}{:016X}{:08X}{:024X}", 0, u64::try_from(steps).unwrap_or_default(), 2, count)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{about, body, ground};
    use super::*;

    #[test]
    fn the_body_is_a_number_that_grows_as_text() {
        let of = |at: &str, count| sequence_number(at.parse().unwrap(), count);
        let published = of("2022-05-26T18:43:04.5561024Z", 7);
        assert_eq!(published.len(), 64);
        assert!(
            published.starts_with("000000000000000001D8") && published.ends_with("00000002000000000000000000000007")
        );
        assert!(of("2022-05-26T18:43:04.5561024Z", 8) > published);
        assert!(of("2022-05-26T18:43:05Z", 1) > published);
    }

    #[test]
    fn the_operation_says_what_became_of_the_connection() {
        let event = connection_state(&ground(), about(None), ConnectionState::Disconnected, 1);
        assert_eq!(event.message.property("opType"), Some("deviceDisconnected"));
        assert_eq!(event.message.property("iothub-message-schema"), Some("deviceConnectionStateNotification"));
        assert_eq!(event.message.property("moduleId"), None);
        assert!(body(&event)["sequenceNumber"].is_string());
    }
}
