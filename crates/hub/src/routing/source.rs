//! The kinds of events that routes can take, and their names in ARM and on events.

/// Where events of a hub come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// What devices send.
    DeviceMessages,
    /// Changes of twins.
    TwinChangeEvents,
    /// Devices and modules made and deleted.
    DeviceLifecycleEvents,
    /// Jobs of devices that ended.
    DeviceJobLifecycleEvents,
    /// Devices and modules that came and went.
    DeviceConnectionStateEvents,
    /// Changes of Plug and Play digital twins.
    DigitalTwinChangeEvents,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 6] = [
        Self::DeviceMessages,
        Self::TwinChangeEvents,
        Self::DeviceLifecycleEvents,
        Self::DeviceJobLifecycleEvents,
        Self::DeviceConnectionStateEvents,
        Self::DigitalTwinChangeEvents,
    ];

    /// Its name in a route's properties (`RoutingSource`, 2023-06-30-preview).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceMessages => "DeviceMessages",
            Self::TwinChangeEvents => "TwinChangeEvents",
            Self::DeviceLifecycleEvents => "DeviceLifecycleEvents",
            Self::DeviceJobLifecycleEvents => "DeviceJobLifecycleEvents",
            Self::DeviceConnectionStateEvents => "DeviceConnectionStateEvents",
            Self::DigitalTwinChangeEvents => "DigitalTwinChangeEvents",
        }
    }

    /// The source named `name`, in any letter case.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name().eq_ignore_ascii_case(name))
    }

    /// The source whose events bear this `iothub-message-source`.
    #[must_use]
    pub fn of_message_source(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.message_source() == name)
    }

    /// `iothub-message-source` of its events (iot-hub-non-telemetry-event-schema, 2024).
    #[must_use]
    pub const fn message_source(self) -> &'static str {
        match self {
            Self::DeviceMessages => "Telemetry",
            Self::TwinChangeEvents => "twinChangeEvents",
            Self::DeviceLifecycleEvents => "deviceLifecycleEvents",
            Self::DeviceJobLifecycleEvents => "deviceJobLifecycleEvents",
            Self::DeviceConnectionStateEvents => "deviceConnectionStateEvents",
            Self::DigitalTwinChangeEvents => "digitalTwinChangeEvents",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_by_its_name_in_any_case() {
        for source in Source::ALL {
            assert_eq!(Source::of_name(&source.name().to_ascii_uppercase()), Some(source));
        }
        assert_eq!(Source::of_name("Invalid"), None);
    }
}
