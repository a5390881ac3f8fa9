//! Events that the hub itself makes: twins changed, devices made and deleted, connections come and gone, jobs ended.
//!
//! Built here with the properties and bodies that iot-hub-non-telemetry-event-schema (2024) documents, for whoever notices
//! the change; they are then given to [`super::Routing::deliver`]. Nothing here is sent or kept.

mod connection_state;
mod digital_twin_change;
mod job_lifecycle;
mod lifecycle;
mod twin_change;

use iolite_kernel::{Ground, Timestamp, iso_offset_seven_digits, iso_seven_digits};
use iolite_messaging::{EventOrigin, Message, SystemName};

use super::{Routable, Source};

pub use connection_state::{ConnectionState, connection_state};
pub use digital_twin_change::digital_twin_change;
pub use job_lifecycle::job_lifecycle;
pub use lifecycle::{Lifecycle, lifecycle};
pub use twin_change::{TwinReplacement, TwinUpdate, twin_replaced, twin_updated};

/// Whose event it is, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// The hub's name, as it was made.
    pub hub: &'a str,
    /// The device's id.
    pub device: &'a str,
    /// The module's id.
    pub module: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// An event that the hub made. Its origin has neither a generation nor an authentication method: both are empty, and
/// readers of the event are not shown them.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnEvent {
    /// What kind of event it is.
    pub source: Source,
    /// Its properties and body.
    pub message: Message,
    /// Who it is about.
    pub origin: EventOrigin,
    /// When it happened.
    pub at: Timestamp,
}

impl OwnEvent {
    /// It, on its way to the partition that its device's events go to.
    #[must_use]
    pub fn routable(&self, partition: u32) -> Routable<'_> {
        Routable { source: self.source, message: &self.message, origin: Some(&self.origin), at: self.at, partition }
    }
}

/// An event with the properties that all have, and these of its own.
fn event(ground: &Ground, source: Source, about: About<'_>, schema: &str, operation: &str, body: Vec<u8>) -> OwnEvent {
    let mut message = Message::of(body);
    message.set_system(SystemName::ContentType, "application/json");
    message.set_system(SystemName::ContentEncoding, "utf-8");
    message.set_system(SystemName::CorrelationId, correlation_id(ground));
    message.set_system(SystemName::UserId, about.hub);
    let mut add = |name: &str, value: &str| message.properties.push((name.into(), Some(value.into())));
    add("hubName", about.hub);
    add("deviceId", about.device);
    add("operationTimestamp", &operation_timestamp(source, about.at));
    if let Some(module) = about.module {
        add("moduleId", module);
    }
    add("opType", operation);
    add("iothub-message-schema", schema);
    let origin = EventOrigin {
        device_id: about.device.into(),
        module_id: about.module.map(Into::into),
        generation: Box::default(),
        auth_method: Box::default(),
    };
    OwnEvent { source, message, origin, at: about.at }
}

/// Published events of digital twins have their offset written out, all others a `Z`.
fn operation_timestamp(source: Source, at: Timestamp) -> String {
    if source == Source::DigitalTwinChangeEvents { iso_offset_seven_digits(at) } else { iso_seven_digits(at) }
}

/// A dozen hexadecimal digits, as published events have.
fn correlation_id(ground: &Ground) -> String {
    let mut id = ground.uuid().simple().to_string();
    id.truncate(12);
    id
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SeededEntropy;

    use super::*;

    pub(super) fn ground() -> Ground {
        Ground { entropy: std::sync::Arc::new(SeededEntropy::new(1)), ..Ground::system() }
    }

    pub(super) fn about(module: Option<&str>) -> About<'_> {
        About { hub: "contoso-hub", device: "d1", module, at: "2026-01-02T03:04:05.678Z".parse().unwrap() }
    }

    pub(super) fn body(event: &OwnEvent) -> serde_json::Value {
        serde_json::from_slice(&event.message.body).unwrap()
    }

    #[test]
    fn every_event_has_the_common_properties() {
        let event = event(&ground(), Source::TwinChangeEvents, about(Some("m1")), "schema", "op", b"{}".to_vec());
        for (name, value) in [
            ("hubName", "contoso-hub"),
            ("deviceId", "d1"),
            ("moduleId", "m1"),
            ("operationTimestamp", "2026-01-02T03:04:05.6780000Z"),
            ("opType", "op"),
            ("iothub-message-schema", "schema"),
        ] {
            assert_eq!(event.message.property(name), Some(value), "{name}");
        }
        assert_eq!(event.message.system(SystemName::UserId), Some("contoso-hub"));
        assert_eq!(event.message.system(SystemName::CorrelationId).map(str::len), Some(12));
        assert_eq!(event.origin.module_id.as_deref(), Some("m1"));
        let routable = event.routable(2);
        assert_eq!(routable.json_body(), Some(serde_json::json!({})));
        assert_eq!(routable.system_property("connectionDeviceGenerationId"), None);
    }
}
