//! A message: its sections, in their order (part 3, section 3.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::composite::{Fields, code_of};
use super::read::{DecodeError, Reader};
use super::sections::{Header, Properties};
use super::value::{Map, Value};
use super::write::{ulong, variable, write_map, write_value};

/// A message as it is on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireMessage {
    /// How it is to be delivered.
    pub header: Option<Header>,
    /// For the next hop only.
    pub delivery_annotations: Map,
    /// For the infrastructure.
    pub message_annotations: Map,
    /// Its own properties.
    pub properties: Option<Properties>,
    /// The application's properties.
    pub application_properties: Map,
    /// The payload.
    pub body: Body,
}

/// The payload of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Body {
    /// No section at all.
    #[default]
    Empty,
    /// Data sections; the payload is all of them, one after the other.
    Data(Vec<Bytes>),
    /// One value.
    Value(Value),
    /// Sequence sections.
    Sequence,
}

impl Body {
    /// One data section.
    pub fn data(bytes: impl Into<Bytes>) -> Self {
        Self::Data(vec![bytes.into()])
    }
}

impl WireMessage {
    /// Reads a whole message. Sections may come in any order and be repeated: the last one counts.
    pub fn read(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut message = Self::default();
        while !reader.is_empty() {
            let Value::Described(section) = reader.value()? else {
                return Err(DecodeError("a message is made of described sections"));
            };
            let code = code_of(&section.descriptor).ok_or(DecodeError("a section is unknown"))?;
            message.take(code, section.value)?;
        }
        Ok(message)
    }

    fn take(&mut self, code: u64, value: Value) -> Result<(), DecodeError> {
        match (code, value) {
            (0x70, Value::List(list)) => self.header = Some(Header::read(Fields::of(list))?),
            (0x71, Value::Map(map)) => self.delivery_annotations = map,
            (0x72, Value::Map(map)) => self.message_annotations = map,
            (0x73, Value::List(list)) => self.properties = Some(Properties::read(Fields::of(list))?),
            (0x74, Value::Map(map)) => self.application_properties = map,
            (0x75, Value::Binary(bytes)) => match &mut self.body {
                Body::Data(sections) => sections.push(bytes),
                body => *body = Body::Data(vec![bytes]),
            },
            (0x76, Value::List(_)) => self.body = Body::Sequence,
            (0x77, value) => self.body = Body::Value(value),
            (0x78, Value::Map(_)) => {}
            _ => return Err(DecodeError("a section is unknown or of another type")),
        }
        Ok(())
    }

    /// Appends the message. Empty maps are left out.
    pub fn write(&self, out: &mut BytesMut) {
        if let Some(header) = &self.header {
            header.write(out);
        }
        write_section(out, 0x71, &self.delivery_annotations);
        write_section(out, 0x72, &self.message_annotations);
        if let Some(properties) = &self.properties {
            properties.write(out);
        }
        write_section(out, 0x74, &self.application_properties);
        match &self.body {
            Body::Empty | Body::Sequence => {}
            Body::Data(sections) => {
                for bytes in sections {
                    describe(out, 0x75);
                    variable(out, 0xa0, bytes);
                }
            }
            Body::Value(value) => {
                describe(out, 0x77);
                write_value(out, value);
            }
        }
    }

    /// The message's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write(&mut out);
        out.freeze()
    }
}

fn write_section(out: &mut BytesMut, code: u64, map: &Map) {
    if !map.0.is_empty() {
        describe(out, code);
        write_map(out, map);
    }
}

fn describe(out: &mut BytesMut, code: u64) {
    out.put_u8(0);
    ulong(out, code);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was() {
        let mut message = WireMessage {
            header: Some(Header { durable: Some(true), ..Header::default() }),
            properties: Some(Properties {
                message_id: Value::Ulong(0),
                content_type: Some("application/json".into()),
                ..Properties::default()
            }),
            body: Body::Data(vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")]),
            ..WireMessage::default()
        };
        message.message_annotations.annotate("x-opt-offset", Value::string("7"));
        message.application_properties.put("n", Value::Int(200));
        assert_eq!(WireMessage::read(message.to_bytes()), Ok(message));
    }

    #[test]
    fn a_value_may_be_the_body() {
        let message = WireMessage { body: Body::Value(Value::string("token")), ..WireMessage::default() };
        assert_eq!(WireMessage::read(message.to_bytes()), Ok(message));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = WireMessage::read(bytes.into());
        }
    }
}
