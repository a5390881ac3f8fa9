//! A device or module was made or deleted.

use iolite_kernel::Ground;

use super::{About, OwnEvent, event};
use crate::Twin;
use crate::routing::Source;
use crate::routing::events::twin_change::whole_twin;

/// What became of the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// It was made.
    Created,
    /// It was deleted.
    Deleted,
}

/// The event that a device or module was made or deleted, with its twin as it is or was. Modules have the same operations
/// and `moduleId` besides.
#[must_use]
pub fn lifecycle(ground: &Ground, about: About<'_>, what: Lifecycle, twin: &Twin) -> OwnEvent {
    let operation = match what {
        Lifecycle::Created => "createDeviceIdentity",
        Lifecycle::Deleted => "deleteDeviceIdentity",
    };
    let body = whole_twin(about, twin);
    event(ground, Source::DeviceLifecycleEvents, about, "deviceLifecycleNotification", operation, body)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::super::tests::{about, body, ground};
    use super::*;
    use crate::twin::Birth;

    #[test]
    fn the_body_is_the_twin() {
        let twin = Twin::new(Birth::Device, Map::new(), Map::new(), about(None).at).unwrap();
        let event = lifecycle(&ground(), about(None), Lifecycle::Created, &twin);
        let body = body(&event);
        assert_eq!(
            (&body["deviceId"], &body["etag"], &body["version"]),
            (&json!("d1"), &json!("AAAAAAAAAAE="), &json!(2))
        );
        assert_eq!(body["properties"]["desired"]["$version"], 1);
        assert_eq!(body.get("moduleId"), None);
        assert_eq!(event.message.property("opType"), Some("createDeviceIdentity"));
        assert_eq!(event.source, Source::DeviceLifecycleEvents);
    }
}
