//! An event as Event Grid publishes it.
//!
//! Source: event-schema-iot-hub and the system event definitions of 2018-01-01. Names and shapes are the service's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Ground, Timestamp, Uuid, iso_seven_digits};
use iolite_messaging::SystemName;
use iolite_resources::Hub as HubRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::routing::{Routable, Source};

/// A kind of event that hubs publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A device or module was made.
    DeviceCreated,
    /// A device or module was deleted.
    DeviceDeleted,
    /// A device or module connected.
    DeviceConnected,
    /// A device or module disconnected.
    DeviceDisconnected,
    /// A device or module sent something.
    DeviceTelemetry,
}

impl EventType {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::DeviceCreated,
        Self::DeviceDeleted,
        Self::DeviceConnected,
        Self::DeviceDisconnected,
        Self::DeviceTelemetry,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceCreated => "Microsoft.Devices.DeviceCreated",
            Self::DeviceDeleted => "Microsoft.Devices.DeviceDeleted",
            Self::DeviceConnected => "Microsoft.Devices.DeviceConnected",
            Self::DeviceDisconnected => "Microsoft.Devices.DeviceDisconnected",
            Self::DeviceTelemetry => "Microsoft.Devices.DeviceTelemetry",
        }
    }

    /// Whether `name` is its name; letter case does not matter.
    #[must_use]
    pub fn is_named(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The kind that `event` is published as.
    pub(super) fn of(event: &Routable<'_>) -> Option<Self> {
        let kinds = Self::from_source(event.source);
        let operation = event.message.property("opType").unwrap_or_default();
        match kinds {
            [only] => Some(*only),
            _ => kinds.iter().copied().find(|kind| kind.operation() == Some(operation)),
        }
    }

    /// The kinds that come from `source`.
    pub(super) const fn from_source(source: Source) -> &'static [Self] {
        match source {
            Source::DeviceMessages => &[Self::DeviceTelemetry],
            Source::DeviceLifecycleEvents => &[Self::DeviceCreated, Self::DeviceDeleted],
            Source::DeviceConnectionStateEvents => &[Self::DeviceConnected, Self::DeviceDisconnected],
            Source::TwinChangeEvents | Source::DeviceJobLifecycleEvents | Source::DigitalTwinChangeEvents => &[],
        }
    }

    const fn operation(self) -> Option<&'static str> {
        match self {
            Self::DeviceCreated => Some("createDeviceIdentity"),
            Self::DeviceDeleted => Some("deleteDeviceIdentity"),
            Self::DeviceConnected => Some("deviceConnected"),
            Self::DeviceDisconnected => Some("deviceDisconnected"),
            Self::DeviceTelemetry => None,
        }
    }
}

/// An event, in whichever schema it goes out; kept in an outbox as it stands here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    id: Uuid,
    topic: String,
    subject: String,
    kind: EventType,
    time: Timestamp,
    data: Value,
    /// About how many bytes it has.
    pub(super) weight: usize,
}

impl Event {
    pub(super) fn new(hub: &HubRecord, kind: EventType, event: &Routable<'_>, ground: &Ground) -> Self {
        let data = match kind {
            EventType::DeviceTelemetry => telemetry(event),
            EventType::DeviceConnected | EventType::DeviceDisconnected => {
                let mut data = about(hub, event);
                data.insert("deviceConnectionStateEventInfo".to_owned(), event.json_body().unwrap_or_default());
                Value::Object(data)
            }
            EventType::DeviceCreated | EventType::DeviceDeleted => {
                let mut data = about(hub, event);
                data.insert("twin".to_owned(), twin(event));
                Value::Object(data)
            }
        };
        Self {
            id: ground.uuid(),
            // Published topics are in upper case from end to end.
            topic: hub.id.as_str().to_ascii_uppercase(),
            subject: subject(event),
            kind,
            time: event.at,
            data,
            weight: event.message.size() + 1024,
        }
    }

    /// As Event Grid's own schema has it.
    pub(super) fn in_event_grid_schema(&self) -> Value {
        let data_version = if self.kind == EventType::DeviceTelemetry { "" } else { "1" };
        json!({
            "id": self.id.to_string(),
            "topic": self.topic,
            "subject": self.subject,
            "eventType": self.kind.name(),
            "eventTime": iso_seven_digits(self.time),
            "data": self.data,
            "dataVersion": data_version,
            "metadataVersion": "1",
        })
    }

    /// As CloudEvents 1.0 has it.
    pub(super) fn as_cloud_event(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "source": self.topic,
            "subject": self.subject,
            "type": self.kind.name(),
            "time": iso_seven_digits(self.time),
            "data": self.data,
            "specversion": "1.0",
        })
    }
}

/// `devices/{deviceId}`, a module's too.
pub(super) fn subject(event: &Routable<'_>) -> String {
    format!("devices/{}", event.origin.map_or("", |origin| &origin.device_id))
}

fn about(hub: &HubRecord, event: &Routable<'_>) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("hubName".to_owned(), hub.id.name().into());
    if let Some(origin) = event.origin {
        data.insert("deviceId".to_owned(), (&*origin.device_id).into());
        if let Some(module) = &origin.module_id {
            data.insert("moduleId".to_owned(), (&**module).into());
        }
    }
    data
}

/// The twin of an identity that was made or deleted; what events do not carry has the default that published events show.
fn twin(event: &Routable<'_>) -> Value {
    let defaults = json!({
        "deviceEtag": "null",
        "status": "enabled",
        "statusUpdateTime": "0001-01-01T00:00:00",
        "connectionState": "Disconnected",
        "lastActivityTime": "0001-01-01T00:00:00",
        "cloudToDeviceMessageCount": 0,
        "authenticationType": "sas",
        "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null},
    });
    let (Value::Object(mut twin), Some(Value::Object(known))) = (defaults, event.json_body()) else {
        return Value::Null;
    };
    twin.extend(known);
    Value::Object(twin)
}

/// The body as JSON where the message says that it is, in UTF-8; else in base64.
fn telemetry(event: &Routable<'_>) -> Value {
    let is_utf8 = event
        .message
        .system(SystemName::ContentEncoding)
        .is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("utf-8"));
    let body = event.json_body().filter(|_| is_utf8);
    let body = body.unwrap_or_else(|| STANDARD.encode(&event.message.body).into());
    let properties = event.message.properties.iter();
    let properties: Map<String, Value> =
        properties.map(|(name, value)| ((**name).to_owned(), value.as_deref().unwrap_or_default().into())).collect();
    json!({"body": body, "properties": properties, "systemProperties": system_properties(event)})
}

fn system_properties(event: &Routable<'_>) -> Map<String, Value> {
    let mut found = Map::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            found.insert(name.to_owned(), value.into());
        }
    };
    for (name, value) in &event.message.system {
        match name {
            SystemName::ContentType => add("iothub-content-type", value),
            SystemName::ContentEncoding => add("iothub-content-encoding", value),
            SystemName::MessageId => add("iothub-message-id", value),
            SystemName::CorrelationId => add("iothub-correlation-id", value),
            SystemName::UserId => add("iothub-user-id", value),
            SystemName::CreationTime => add("iothub-creation-time-utc", value),
            SystemName::InterfaceId => add("iothub-interface-id", value),
            SystemName::Component => add("dt-subject", value),
            SystemName::DataSchema => add("dt-dataschema", value),
            _ => {}
        }
    }
    if let Some(origin) = event.origin {
        add("iothub-connection-device-id", &origin.device_id);
        add("iothub-connection-module-id", origin.module_id.as_deref().unwrap_or_default());
        add("iothub-connection-auth-method", &origin.auth_method);
        add("iothub-connection-auth-generation-id", &origin.generation);
    }
    add("iothub-enqueuedtime", &iso_seven_digits(event.at));
    add("iothub-message-source", event.source.message_source());
    found
}
