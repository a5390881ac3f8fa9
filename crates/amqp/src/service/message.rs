//! Between a message on the wire and the hub's: which property is called what on AMQP.
//!
//! Names as the C# client's `MessageConverter` and the documentation of device-to-cloud messages have them. Application
//! properties that are no text are dropped, as the hub drops them.

use bytes::Bytes;
use iolite_kernel::{Timestamp, Uuid};
use iolite_messaging::{DeviceBound, Message, PartitionFacts, SystemName};
use iolite_messaging::{FoundEvent, Notice};

use crate::codec::{AmqpError, Body, Map, Properties, Symbol, Value, WireMessage, condition};

/// System properties that travel as application properties.
const AS_APPLICATION: [(SystemName, &str); 6] = [
    (SystemName::Ack, "iothub-ack"),
    (SystemName::MessageSchema, "iothub-message-schema"),
    (SystemName::CreationTime, "iothub-creation-time-utc"),
    (SystemName::OutputName, "iothub-outputname"),
    (SystemName::Operation, "iothub-operation"),
    (SystemName::MessageType, "iothub-MessageType"),
];

/// System properties that travel as message annotations.
const AS_ANNOTATION: [(SystemName, &str); 8] = [
    (SystemName::InterfaceId, "iothub-interface-id"),
    (SystemName::Component, "dt-subject"),
    (SystemName::DataSchema, "dt-dataschema"),
    (SystemName::InputName, "x-opt-input-name"),
    (SystemName::ConnectionDeviceId, "iothub-connection-device-id"),
    (SystemName::ConnectionModuleId, "iothub-connection-module-id"),
    (SystemName::DiagnosticId, "Diagnostic-Id"),
    (SystemName::DiagnosticContext, "Correlation-Context"),
];

/// Reads a message that a device or a back end sent.
pub(super) fn read_message(wire: WireMessage) -> Result<Message, AmqpError> {
    let mut message = Message::of(read_body(wire.body)?);
    if let Some(properties) = wire.properties {
        read_properties(&mut message, properties);
    }
    for (key, value) in wire.application_properties.0 {
        let Some(name) = key.as_text() else { continue };
        match AS_APPLICATION.iter().find(|(_, known)| *known == name) {
            Some((SystemName::MessageType, _)) => {}
            Some((system, _)) => set(&mut message, *system, text_of(&value)),
            None => {
                if let Value::String(text) = value {
                    message.properties.push((name.into(), Some(text)));
                }
            }
        }
    }
    for (system, name) in AS_ANNOTATION {
        // What the hub itself stamps is not taken from a peer.
        if !matches!(system, SystemName::DataSchema | SystemName::InputName) {
            set(&mut message, system, wire.message_annotations.get(name).and_then(text_of));
        }
    }
    Ok(message)
}

/// The payload: data, or a value that is text or bytes.
pub(super) fn read_body(body: Body) -> Result<Bytes, AmqpError> {
    match body {
        Body::Empty | Body::Value(Value::Null) => Ok(Bytes::new()),
        Body::Data(mut sections) if sections.len() == 1 => Ok(sections.swap_remove(0)),
        Body::Data(sections) => Ok(sections.concat().into()),
        Body::Value(Value::Binary(bytes)) => Ok(bytes),
        Body::Value(Value::String(text)) => Ok(Bytes::from(text.into_string())),
        Body::Value(_) | Body::Sequence => {
            Err(AmqpError::new(condition::NOT_IMPLEMENTED, "A body is data, or a value that is text or bytes."))
        }
    }
}

fn read_properties(message: &mut Message, properties: Properties) {
    set(message, SystemName::MessageId, text_of(&properties.message_id));
    set(message, SystemName::CorrelationId, text_of(&properties.correlation_id));
    set(message, SystemName::UserId, properties.user_id.and_then(|id| text_of(&Value::Binary(id))));
    set(message, SystemName::To, properties.to);
    set(message, SystemName::ContentType, properties.content_type.map(|Symbol(text)| text));
    set(message, SystemName::ContentEncoding, properties.content_encoding.map(|Symbol(text)| text));
    set(message, SystemName::Expiry, properties.absolute_expiry_time.and_then(rfc_3339));
    set(message, SystemName::CreationTime, properties.creation_time.and_then(rfc_3339));
}

fn set(message: &mut Message, name: SystemName, value: Option<Box<str>>) {
    if let Some(value) = value {
        message.set_system(name, value);
    }
}

/// An id or a time as text.
fn text_of(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) | Value::Symbol(Symbol(text)) => Some(text.clone()),
        Value::Ulong(number) => Some(number.to_string().into()),
        Value::Uuid(bytes) => Some(Uuid::from_bytes(*bytes).to_string().into()),
        Value::Binary(bytes) => Some(String::from_utf8_lossy(bytes).into()),
        Value::Timestamp(milliseconds) => rfc_3339(*milliseconds),
        _ => None,
    }
}

fn rfc_3339(milliseconds: i64) -> Option<Box<str>> {
    Timestamp::from_millisecond(milliseconds).ok().map(|moment| moment.to_string().into())
}

/// Writes the message itself; annotations of the delivery are added by the caller.
pub(super) fn write_message(message: &Message) -> WireMessage {
    let text = |name| message.system(name).map(Into::into);
    let symbol = |name| message.system(name).filter(|text| text.is_ascii()).map(Symbol::from);
    let id = |name| message.system(name).map_or(Value::Null, Value::string);
    let properties = Properties {
        message_id: id(SystemName::MessageId),
        user_id: message.system(SystemName::UserId).map(|user| Bytes::copy_from_slice(user.as_bytes())),
        to: text(SystemName::To),
        correlation_id: id(SystemName::CorrelationId),
        content_type: symbol(SystemName::ContentType),
        content_encoding: symbol(SystemName::ContentEncoding),
        absolute_expiry_time: message.system(SystemName::Expiry).and_then(milliseconds),
        ..Properties::default()
    };
    let mut wire = WireMessage {
        properties: (properties != Properties::default()).then_some(properties),
        body: Body::data(message.body.clone()),
        ..WireMessage::default()
    };
    for (system, name) in AS_APPLICATION {
        if let Some(value) = message.system(system) {
            wire.application_properties.put(name, Value::string(value));
        }
    }
    for (system, name) in AS_ANNOTATION {
        if let Some(value) = message.system(system) {
            wire.message_annotations.annotate(name, Value::string(value));
        }
    }
    for (name, value) in &message.properties {
        let value = value.as_ref().map_or(Value::Null, |text| Value::String(text.clone()));
        wire.application_properties.put(name, value);
    }
    wire
}

fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// A cloud-to-device message under lock, as a device gets it.
pub(super) fn write_device_bound(found: &DeviceBound) -> WireMessage {
    let mut wire = write_message(&found.message);
    let annotations = &mut wire.message_annotations;
    annotations.annotate("x-opt-lock-token", lock(&found.lock_token));
    annotations.annotate("x-opt-sequence-number", Value::Ulong(found.sequence_number));
    annotations.annotate("iothub-enqueuedtime", Value::Timestamp(found.enqueued_at.as_millisecond()));
    // One byte, as the C# client reads it.
    let count = u8::try_from(found.delivery_count).unwrap_or(u8::MAX);
    annotations.annotate("iothub-deliverycount", Value::Ubyte(count));
    wire
}

/// A notice under lock, as a back end gets it.
pub(super) fn write_notice(notice: &Notice) -> WireMessage {
    let properties = Properties {
        user_id: Some(Bytes::copy_from_slice(notice.user_id.as_bytes())),
        content_type: Some(Symbol::from(notice.content_type)),
        content_encoding: Some(Symbol::from("utf-8")),
        ..Properties::default()
    };
    let mut wire =
        WireMessage { properties: Some(properties), body: Body::data(notice.body.clone()), ..WireMessage::default() };
    let annotations = &mut wire.message_annotations;
    annotations.annotate("x-opt-lock-token", lock(&notice.lock_token));
    annotations.annotate("x-opt-sequence-number", Value::Ulong(notice.sequence_number));
    annotations.annotate("iothub-enqueuedtime", Value::Timestamp(notice.enqueued_at.as_millisecond()));
    let count = u8::try_from(notice.delivery_count).unwrap_or(u8::MAX);
    annotations.annotate("iothub-deliverycount", Value::Ubyte(count));
    wire
}

/// An event, as a reader gets it; with the partition's facts where it asked for them.
pub(super) fn write_event(found: &FoundEvent, facts: Option<(PartitionFacts, Timestamp)>) -> WireMessage {
    let mut wire = write_message(&found.event.message);
    let enqueued = Value::Timestamp(found.enqueued_at.as_millisecond());
    let annotations = &mut wire.message_annotations;
    annotations.annotate("x-opt-sequence-number", Value::Long(found.sequence_number));
    annotations.annotate("x-opt-offset", Value::string(found.offset.to_string()));
    annotations.annotate("x-opt-enqueued-time", enqueued.clone());
    if let Some(origin) = &found.event.origin {
        annotations.annotate("iothub-connection-device-id", Value::String(origin.device_id.clone()));
        if let Some(module) = &origin.module_id {
            annotations.annotate("iothub-connection-module-id", Value::String(module.clone()));
        }
        // Events that the hub made itself came over no connection.
        for (name, value) in [
            ("iothub-connection-auth-method", &origin.auth_method),
            ("iothub-connection-auth-generation-id", &origin.generation),
        ] {
            if !value.is_empty() {
                annotations.annotate(name, Value::String(value.clone()));
            }
        }
    }
    annotations.annotate("iothub-enqueuedtime", enqueued);
    annotations.annotate("iothub-message-source", Value::String(found.event.source.clone()));
    if let Some((facts, now)) = facts {
        wire.delivery_annotations = runtime_metric(&facts, now);
    }
    wire
}

/// What a reader that enabled the receiver's runtime metric learns with each event.
fn runtime_metric(facts: &PartitionFacts, now: Timestamp) -> Map {
    let mut map = Map::default();
    map.annotate("last_enqueued_sequence_number", Value::Long(facts.last_sequence_number));
    map.annotate("last_enqueued_offset", Value::string(facts.last_offset.to_string()));
    let last = facts.last_enqueued_at.map_or(Value::Null, |at| Value::Timestamp(at.as_millisecond()));
    map.annotate("last_enqueued_time_utc", last);
    map.annotate("runtime_info_retrieval_time_utc", Value::Timestamp(now.as_millisecond()));
    map
}

fn lock(token: &str) -> Value {
    Uuid::parse_str(token).map_or_else(|_| Value::string(token), |uuid| Value::Uuid(*uuid.as_bytes()))
}

/// The delivery tag of a message under lock: the GUID's bytes in Microsoft's order, from which the C# client makes the
/// lock token; `None` where the token is no GUID.
pub(super) fn lock_tag(token: &str) -> Option<Bytes> {
    Uuid::parse_str(token).ok().map(|uuid| Bytes::copy_from_slice(&uuid.to_bytes_le()))
}

#[cfg(test)]
mod tests {
    use iolite_messaging::{EventOrigin, HubEvent};

    use super::*;

    #[test]
    fn a_message_of_the_hub_survives_the_wire() {
        let mut message = Message::of("payload");
        for (name, value) in [
            (SystemName::MessageId, "1"),
            (SystemName::CorrelationId, "2"),
            (SystemName::UserId, "u"),
            (SystemName::To, "/devices/d/messages/deviceBound"),
            (SystemName::ContentType, "application/json"),
            (SystemName::ContentEncoding, "utf-8"),
            (SystemName::Expiry, "2026-11-22T00:00:00Z"),
            (SystemName::Ack, "full"),
            (SystemName::MessageSchema, "s"),
            (SystemName::InterfaceId, "i"),
            (SystemName::Component, "c"),
        ] {
            message.set_system(name, value);
        }
        message.properties.push(("colour".into(), Some("red".into())));
        let wire = WireMessage::read(write_message(&message).to_bytes()).unwrap();
        let mut read = read_message(wire).unwrap();
        read.system.sort();
        message.system.sort();
        assert_eq!(read, message);
    }

    #[test]
    fn ids_of_every_type_become_text_and_numbers_are_dropped() {
        let mut wire = WireMessage {
            properties: Some(Properties {
                message_id: Value::Uuid([1; 16]),
                correlation_id: Value::Ulong(7),
                ..Properties::default()
            }),
            ..WireMessage::default()
        };
        wire.application_properties.put("n", Value::Int(1));
        wire.application_properties.put("iothub-creation-time-utc", Value::Timestamp(0));
        wire.message_annotations.annotate("dt-dataschema", Value::string("forged"));
        let message = read_message(wire).unwrap();
        assert_eq!(message.system(SystemName::MessageId), Some("01010101-0101-0101-0101-010101010101"));
        assert_eq!(message.system(SystemName::CorrelationId), Some("7"));
        assert_eq!(message.system(SystemName::CreationTime), Some("1970-01-01T00:00:00Z"));
        assert_eq!(message.system(SystemName::DataSchema), None);
        assert!(message.properties.is_empty());
    }

    #[test]
    fn a_body_may_be_a_text_and_not_a_sequence() {
        assert_eq!(read_body(Body::Value(Value::string("x"))).unwrap(), "x");
        assert_eq!(read_body(Body::Sequence).unwrap_err().condition.0.as_ref(), "amqp:not-implemented");
    }

    #[test]
    fn an_event_carries_what_the_hub_stamped() {
        let found = FoundEvent {
            event: HubEvent {
                message: Message::of("x"),
                source: "Telemetry".into(),
                origin: Some(EventOrigin {
                    device_id: "d".into(),
                    module_id: None,
                    generation: "1".into(),
                    auth_method: "{}".into(),
                }),
            },
            sequence_number: 3,
            offset: 300,
            enqueued_at: Timestamp::UNIX_EPOCH,
        };
        let annotations = write_event(&found, None).message_annotations;
        assert_eq!(annotations.get("x-opt-sequence-number"), Some(&Value::Long(3)));
        assert_eq!(annotations.text("x-opt-offset"), Some("300"));
        assert_eq!(annotations.get("x-opt-enqueued-time"), Some(&Value::Timestamp(0)));
        assert_eq!(annotations.text("iothub-connection-device-id"), Some("d"));
        assert_eq!(annotations.text("iothub-message-source"), Some("Telemetry"));
    }
}
