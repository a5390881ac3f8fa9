//! Where a link leads, by its address. Addresses come relative (`/messages/devicebound`) or absolute
//! (`amqps://localhost/messages/devicebound`); ids in them are percent-encoded.

use percent_encoding::percent_decode_str;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// `$cbs`.
    Cbs,
    /// `[{entity}/]$management`; the hub's own where `hub`.
    Management {
        /// The entity's path; none in a bare `$management`.
        entity: Option<String>,
        /// Whether it is `/messages/events/$management`.
        hub: bool,
    },
    /// `/devices/{id}[/modules/{id}]/…`.
    Device {
        /// The device's id.
        device_id: String,
        /// The module's id.
        module_id: Option<String>,
        /// What of it.
        endpoint: Endpoint,
    },
    /// `/messages/devicebound`.
    Commands,
    /// `/messages/serviceBound/feedback`.
    Feedback,
    /// `/messages/serviceBound/filenotifications`.
    FileNotifications,
    /// `{entity}/ConsumerGroups/{group}/Partitions/{n}`.
    Events {
        /// The entity's path; `None` for the hub's own `/messages/events`.
        entity: Option<String>,
        /// The consumer group.
        consumer_group: String,
        /// The partition.
        partition: String,
    },
    /// `{idScope}/registrations/{id}` of the Device Provisioning Service.
    Provisioning,
    /// Nothing that is known.
    Unknown,
}

/// What of a device or module a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `messages/events`.
    Telemetry,
    /// `messages/devicebound`.
    DeviceBound,
    /// `twin`.
    Twin,
    /// `methods/devicebound`.
    Methods,
}

impl Address {
    /// Reads an address.
    pub(super) fn read(text: &str) -> Self {
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_authority, path)| path),
            None => text,
        };
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let names: Vec<&str> = lower.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["$cbs"] => Self::Cbs,
            ["$management"] => Self::Management { entity: None, hub: false },
            ["messages", "events", "$management"] => Self::Management { entity: None, hub: true },
            [entity @ .., "$management"] => {
                Self::Management { entity: Some(segments[..entity.len()].join("/")), hub: false }
            }
            ["messages", "devicebound"] => Self::Commands,
            ["messages", "servicebound", "feedback"] => Self::Feedback,
            ["messages", "servicebound", "filenotifications"] => Self::FileNotifications,
            [entity @ .., "consumergroups", _, "partitions", _] if !entity.is_empty() => Self::Events {
                entity: (*entity != ["messages", "events"]).then(|| segments[..entity.len()].join("/")),
                consumer_group: decoded(segments[entity.len() + 1]),
                partition: decoded(segments[entity.len() + 3]),
            },
            ["devices", _, "modules", _, endpoint @ ..] => {
                Self::device(endpoint, decoded(segments[1]), Some(decoded(segments[3])))
            }
            ["devices", _, endpoint @ ..] => Self::device(endpoint, decoded(segments[1]), None),
            [_, "registrations", _] => Self::Provisioning,
            _ => Self::Unknown,
        }
    }

    fn device(endpoint: &[&str], device_id: String, module_id: Option<String>) -> Self {
        let endpoint = match endpoint {
            ["messages", "events"] => Endpoint::Telemetry,
            ["messages", "devicebound"] => Endpoint::DeviceBound,
            ["twin"] => Endpoint::Twin,
            ["methods", "devicebound"] => Endpoint::Methods,
            _ => return Self::Unknown,
        };
        Self::Device { device_id, module_id, endpoint }
    }
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(device: &str, module: Option<&str>, endpoint: Endpoint) -> Address {
        Address::Device { device_id: device.into(), module_id: module.map(Into::into), endpoint }
    }

    #[test]
    fn addresses_are_relative_or_absolute() {
        for text in ["/messages/devicebound", "amqps://localhost/messages/deviceBound", "messages/devicebound"] {
            assert_eq!(Address::read(text), Address::Commands, "{text}");
        }
        assert_eq!(Address::read("amqps://localhost:5671/$cbs"), Address::Cbs);
        assert_eq!(Address::read("$management"), Address::Management { entity: None, hub: false });
        assert_eq!(Address::read("/messages/events/$management"), Address::Management { entity: None, hub: true });
        assert_eq!(
            Address::read("amqps://localhost/Hub1/$management"),
            Address::Management { entity: Some("Hub1".into()), hub: false }
        );
    }

    #[test]
    fn devices_and_modules_keep_their_case() {
        assert_eq!(Address::read("/devices/Dev1/messages/events"), device("Dev1", None, Endpoint::Telemetry));
        assert_eq!(Address::read("/devices/a%2Bb/messages/deviceBound"), device("a+b", None, Endpoint::DeviceBound));
        assert_eq!(
            Address::read("/devices/d/modules/M/methods/devicebound"),
            device("d", Some("M"), Endpoint::Methods)
        );
        assert_eq!(Address::read("amqps://hub/devices/d/modules/m/twin"), device("d", Some("m"), Endpoint::Twin));
    }

    #[test]
    fn readers_name_an_entity_or_the_hub_itself() {
        let events = |entity: Option<&str>| Address::Events {
            entity: entity.map(Into::into),
            consumer_group: "$Default".into(),
            partition: "0".into(),
        };
        assert_eq!(Address::read("amqps://h/hub1/ConsumerGroups/$Default/Partitions/0"), events(Some("hub1")));
        assert_eq!(Address::read("/messages/events/ConsumerGroups/$Default/Partitions/0"), events(None));
    }

    #[test]
    fn what_is_not_known_is_unknown() {
        for text in ["", "/", "amqps://localhost", "/devices", "/devices/d", "/devices/d/inputs", "/messages/events"] {
            assert_eq!(Address::read(text), Address::Unknown, "{text}");
        }
        assert_eq!(Address::read("0ne00000001/registrations/r1"), Address::Provisioning);
    }
}
