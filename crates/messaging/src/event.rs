//! An event as the hub keeps it: a message, where it came from, and when; and its compact form in a stream.
//!
//! Form: version byte 1; source; origin flag and its four texts; system properties (count, then number and text each);
//! application properties (count, then name, flag, value each); the rest is the body. Counts and lengths are LEB128.
//! The time, the sequence number and the offset are the stream's own.

use bytes::{Buf, Bytes};

use crate::{Message, SystemName};

const VERSION: u8 = 1;

/// An event in a hub's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubEvent {
    /// What was sent.
    pub message: Message,
    /// `iothub-message-source`: `Telemetry`, `twinChangeEvents`, `deviceLifecycleEvents`, `deviceConnectionStateEvents`,
    /// `digitalTwinChangeEvents`, `deviceJobLifecycleEvents`.
    pub source: Box<str>,
    /// The device or module it came from.
    pub origin: Option<EventOrigin>,
}

/// Who an event came from, as stamped by the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventOrigin {
    /// `iothub-connection-device-id`.
    pub device_id: Box<str>,
    /// `iothub-connection-module-id`.
    pub module_id: Option<Box<str>>,
    /// `iothub-connection-auth-generation-id`.
    pub generation: Box<str>,
    /// `iothub-connection-auth-method`, JSON such as `{"scope":"device","type":"sas","issuer":"iothub"}`.
    pub auth_method: Box<str>,
}

/// A stored event that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventError;

impl std::fmt::Display for EventError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the stored event is not whole")
    }
}

impl std::error::Error for EventError {}

impl HubEvent {
    /// Appends its stored form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_parts(&self.message, &self.source, self.origin.as_ref(), out);
    }

    /// Reads a stored form; the body shares `bytes`.
    pub fn decode(mut bytes: Bytes) -> Result<Self, EventError> {
        if byte(&mut bytes)? != VERSION {
            return Err(EventError);
        }
        let source = text(&mut bytes)?;
        let origin = match byte(&mut bytes)? {
            0 => None,
            1 => Some(EventOrigin {
                device_id: text(&mut bytes)?,
                module_id: Some(text(&mut bytes)?).filter(|id| !id.is_empty()),
                generation: text(&mut bytes)?,
                auth_method: text(&mut bytes)?,
            }),
            _ => return Err(EventError),
        };
        let mut message = Message::default();
        for _ in 0..number(&mut bytes)? {
            let name = SystemName::from_number(byte(&mut bytes)?).ok_or(EventError)?;
            message.system.push((name, text(&mut bytes)?));
        }
        for _ in 0..number(&mut bytes)? {
            let name = text(&mut bytes)?;
            let value = if byte(&mut bytes)? == 1 { Some(text(&mut bytes)?) } else { None };
            message.properties.push((name, value));
        }
        message.body = bytes;
        Ok(Self { message, source, origin })
    }

    /// Appends the stored form of the event made of these parts, without making the event first.
    pub fn encode_parts(message: &Message, source: &str, origin: Option<&EventOrigin>, out: &mut Vec<u8>) {
        encode_parts(message, source, origin, out);
    }
}

fn encode_parts(message: &Message, source: &str, origin: Option<&EventOrigin>, out: &mut Vec<u8>) {
    out.push(VERSION);
    put_text(out, source);
    match origin {
        None => out.push(0),
        Some(origin) => {
            out.push(1);
            put_text(out, &origin.device_id);
            put_text(out, origin.module_id.as_deref().unwrap_or_default());
            put_text(out, &origin.generation);
            put_text(out, &origin.auth_method);
        }
    }
    put_number(out, message.system.len());
    for (name, value) in &message.system {
        out.push(name.number());
        put_text(out, value);
    }
    put_number(out, message.properties.len());
    for (name, value) in &message.properties {
        put_text(out, name);
        out.push(u8::from(value.is_some()));
        if let Some(value) = value {
            put_text(out, value);
        }
    }
    out.extend_from_slice(&message.body);
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn byte(bytes: &mut Bytes) -> Result<u8, EventError> {
    bytes.try_get_u8().map_err(|_| EventError)
}

fn number(bytes: &mut Bytes) -> Result<usize, EventError> {
    let mut number = 0;
    for shift in [0, 7, 14, 21] {
        let part = byte(bytes)?;
        number |= usize::from(part & 0x7f) << shift;
        if part < 0x80 {
            return Ok(number);
        }
    }
    Err(EventError)
}

fn text(bytes: &mut Bytes) -> Result<Box<str>, EventError> {
    let length = number(bytes)?;
    if length > bytes.len() {
        return Err(EventError);
    }
    let text = bytes.split_to(length);
    std::str::from_utf8(&text).map(Into::into).map_err(|_| EventError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event() -> impl Strategy<Value = HubEvent> {
        let system = prop::collection::vec((prop::sample::select(&SystemName::ALL[..]), ".{0,300}"), 0..5);
        let properties = prop::collection::vec((".{0,20}", prop::option::of(".{0,200}")), 0..5);
        let origin = prop::option::of((".{1,9}", prop::option::of(".{1,9}"), ".{1,9}"));
        (prop::collection::vec(any::<u8>(), 0..300), system, properties, origin).prop_map(
            |(body, system, properties, origin)| HubEvent {
                message: Message {
                    body: body.into(),
                    system: system.into_iter().map(|(name, value)| (name, value.into())).collect(),
                    properties: properties
                        .into_iter()
                        .map(|(name, value)| (name.into(), value.map(String::into_boxed_str)))
                        .collect(),
                },
                source: "Telemetry".into(),
                origin: origin.map(|(device, module, generation)| EventOrigin {
                    device_id: device.into(),
                    module_id: module.map(Into::into),
                    generation: generation.into(),
                    auth_method: "{}".into(),
                }),
            },
        )
    }

    proptest! {
        #[test]
        fn an_event_comes_back_as_it_was(event in event()) {
            let mut out = Vec::new();
            event.encode(&mut out);
            prop_assert_eq!(HubEvent::decode(out.into()).unwrap(), event);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = HubEvent::decode(bytes.into());
        }
    }
}
