//! A Plug and Play digital twin changed.
//!
//! Source: iot-hub-devguide-messages-d2c and concepts-digital-twin: the body is a JSON patch, and its content type says so.
//! The properties are those of the events that concepts-developer-guide-service shows (recorded in October 2020).

use iolite_kernel::Ground;
use iolite_messaging::SystemName;
use serde_json::Value;

use super::{About, OwnEvent, event};
use crate::routing::Source;

/// The event that a digital twin changed by `patch`, a list of JSON patch operations.
#[must_use]
pub fn digital_twin_change(ground: &Ground, about: About<'_>, patch: &[Value]) -> OwnEvent {
    let body = serde_json::to_vec(patch).unwrap_or_default();
    let source = Source::DigitalTwinChangeEvents;
    let mut made = event(ground, source, about, "digitalTwinChangeNotification", "updateTwin", body);
    made.message.set_system(SystemName::ContentType, "application/json-patch+json");
    made
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{about, body, ground};
    use super::*;

    #[test]
    fn the_body_is_the_patch() {
        let patch = [json!({"op": "replace", "path": "/targetTemperature", "value": 21})];
        let event = digital_twin_change(&ground(), about(None), &patch);
        assert_eq!(body(&event), json!(patch));
        assert_eq!(event.message.property("opType"), Some("updateTwin"));
        assert_eq!(event.message.property("operationTimestamp"), Some("2026-01-02T03:04:05.6780000+00:00"));
        assert_eq!(event.message.system(SystemName::ContentType), Some("application/json-patch+json"));
        assert_eq!(
            event.routable(0).system_property("iothub-message-source").as_deref(),
            Some("digitalTwinChangeEvents")
        );
    }
}
