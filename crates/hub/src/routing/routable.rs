//! An event on its way through routes, and its properties under the names that routes and storage use.

use std::borrow::Cow;

use iolite_kernel::{MediaType, Timestamp, iso_seven_digits};
use iolite_messaging::{EventOrigin, HubEvent, Message, SystemName};
use serde_json::Value;

use super::Source;

/// Room for the lengths and ids of an event.
const ROOM: usize = 256;

/// An event to be routed.
#[derive(Debug, Clone, Copy)]
pub struct Routable<'m> {
    /// What kind of event it is.
    pub source: Source,
    /// What was sent.
    pub message: &'m Message,
    /// Who it is from.
    pub origin: Option<&'m EventOrigin>,
    /// When it came.
    pub at: Timestamp,
    /// The partition that its device's events go to.
    pub partition: u32,
}

/// The names of [`SystemName`]s in conditions and in stored messages. The first ones are documented
/// (iot-hub-devguide-routing-query-syntax), or appear in published blobs; the others follow their example.
const NAMES: [(SystemName, &str); 16] = [
    (SystemName::MessageId, "messageId"),
    (SystemName::CorrelationId, "correlationId"),
    (SystemName::UserId, "userId"),
    (SystemName::To, "to"),
    (SystemName::Expiry, "expiryTimeUtc"),
    (SystemName::ContentType, "contentType"),
    (SystemName::ContentEncoding, "contentEncoding"),
    (SystemName::CreationTime, "creationTimeUtc"),
    (SystemName::Ack, "ack"),
    (SystemName::MessageSchema, "iothub-message-schema"),
    (SystemName::OutputName, "outputName"),
    (SystemName::InterfaceId, "iothub-interface-id"),
    (SystemName::Component, "dt-subject"),
    (SystemName::DataSchema, "dt-dataschema"),
    (SystemName::MessageType, "iothub-MessageType"),
    (SystemName::InputName, "inputName"),
];

impl Routable<'_> {
    /// As it is kept, but for the time and the partition: those are the stream's.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.message.size() + ROOM);
        HubEvent::encode_parts(self.message, self.source.message_source(), self.origin, &mut bytes);
        bytes
    }

    /// Every system property that is set, by the name a condition gives it (without `$`).
    pub(crate) fn system_properties(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut found: Vec<(&'static str, Cow<'_, str>)> = Vec::new();
        if let Some(origin) = self.origin {
            found.push(("connectionDeviceId", Cow::Borrowed(&origin.device_id)));
            if let Some(module) = &origin.module_id {
                found.push(("connectionModuleId", Cow::Borrowed(module)));
            }
            for (name, value) in
                [("connectionAuthMethod", &origin.auth_method), ("connectionDeviceGenerationId", &origin.generation)]
            {
                if !value.is_empty() {
                    found.push((name, Cow::Borrowed(value)));
                }
            }
        }
        for (name, value) in &self.message.system {
            if let Some((_, written)) = NAMES.iter().find(|(known, _)| known == name) {
                found.push((written, Cow::Borrowed(value)));
            }
        }
        found.push(("enqueuedTime", Cow::Owned(iso_seven_digits(self.at))));
        found
    }

    /// One system property, by the name a condition gives it, in any letter case.
    pub(crate) fn system_property(&self, name: &str) -> Option<Cow<'_, str>> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if let Some((system, _)) = NAMES.iter().find(|(_, written)| is(written)) {
            return self.message.system(*system).map(Cow::Borrowed);
        }
        if is("enqueuedTime") || is("iothub-enqueuedtime") {
            return Some(Cow::Owned(iso_seven_digits(self.at)));
        }
        if is("iothub-message-source") {
            return Some(Cow::Borrowed(self.source.message_source()));
        }
        let origin = self.origin?;
        let value: &str = if is("connectionDeviceId") {
            &origin.device_id
        } else if is("connectionModuleId") {
            origin.module_id.as_deref()?
        } else if is("connectionAuthMethod") {
            &origin.auth_method
        } else if is("connectionDeviceGenerationId") {
            &origin.generation
        } else {
            return None;
        };
        (!value.is_empty()).then_some(Cow::Borrowed(value))
    }

    /// The body as JSON: only where the content type says so, the encoding is UTF-8, UTF-16 or UTF-32, and it is
    /// (iot-hub-devguide-routing-query-syntax, "Query based on message body").
    pub(crate) fn json_body(&self) -> Option<Value> {
        let kind = self.message.system(SystemName::ContentType)?;
        if !MediaType::of(kind).is("application/json") {
            return None;
        }
        let encoding = self.message.system(SystemName::ContentEncoding)?.trim();
        let body = &self.message.body[..];
        if encoding.eq_ignore_ascii_case("utf-8") {
            return serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok();
        }
        let text = if encoding.eq_ignore_ascii_case("utf-16") {
            decode_utf16(body)?
        } else if encoding.eq_ignore_ascii_case("utf-32") {
            decode_utf32(body)?
        } else {
            return None;
        };
        serde_json::from_str(&text).ok()
    }
}

/// Little-endian, as .NET writes it, unless a byte order mark says otherwise.
fn decode_utf16(body: &[u8]) -> Option<String> {
    let (units, rest) = body.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let big = units.first() == Some(&[0xfe, 0xff]);
    let unit = |unit: &[u8; 2]| if big { u16::from_be_bytes(*unit) } else { u16::from_le_bytes(*unit) };
    let text: Result<String, _> = char::decode_utf16(units.iter().map(unit)).collect();
    text.ok().map(without_mark)
}

fn decode_utf32(body: &[u8]) -> Option<String> {
    let (units, rest) = body.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let big = units.first() == Some(&[0, 0, 0xfe, 0xff]);
    let unit = |unit: &[u8; 4]| if big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
    let text: Option<String> = units.iter().map(|bytes| char::from_u32(unit(bytes))).collect();
    text.map(without_mark)
}

fn without_mark(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Timestamp;
    use serde_json::json;

    use super::*;

    fn message(kind: &str, encoding: &str, body: impl Into<Vec<u8>>) -> Message {
        let mut message = Message::of(body.into());
        message.set_system(SystemName::ContentType, kind);
        message.set_system(SystemName::ContentEncoding, encoding);
        message
    }

    fn routable(message: &Message) -> Routable<'_> {
        Routable { source: Source::DeviceMessages, message, origin: None, at: Timestamp::UNIX_EPOCH, partition: 0 }
    }

    #[test]
    fn a_body_is_json_when_type_and_encoding_say_so() {
        let text = "{\"é\":\"😀\"}";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_big: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let utf32: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
        for (encoding, body) in
            [("UTF-8", text.as_bytes().to_vec()), ("utf-16", utf16), ("utf-16", utf16_big), ("UTF-32", utf32)]
        {
            let message = message("Application/JSON; charset=x", encoding, body);
            assert_eq!(routable(&message).json_body(), Some(json!({"é": "😀"})), "{encoding}");
        }
    }

    #[test]
    fn any_other_body_is_not_json() {
        for (kind, encoding, body) in [
            ("text/plain", "utf-8", "{}"),
            ("application/json", "gzip", "{}"),
            ("application/json", "utf-8", "{"),
            ("application/json", "utf-16", "{}x"),
            ("application/json", "utf-32", "{}{}"),
        ] {
            assert_eq!(routable(&message(kind, encoding, body)).json_body(), None, "{kind} {encoding} {body}");
        }
        let mut bare = Message::of("{}");
        bare.set_system(SystemName::ContentType, "application/json");
        assert_eq!(routable(&bare).json_body(), None);
    }

    #[test]
    fn system_properties_have_the_names_of_conditions() {
        let mut message = message("application/json", "utf-8", "{}");
        message.set_system(SystemName::MessageId, "m");
        let origin =
            EventOrigin { device_id: "d".into(), module_id: None, generation: "1".into(), auth_method: "".into() };
        let event = Routable { origin: Some(&origin), ..routable(&message) };
        for (name, value) in [
            ("CONNECTIONDEVICEID", Some("d")),
            ("connectionModuleId", None),
            ("connectionAuthMethod", None),
            ("messageid", Some("m")),
            ("iothub-message-source", Some("Telemetry")),
            ("enqueuedTime", Some("1970-01-01T00:00:00.0000000Z")),
            ("nothing", None),
        ] {
            assert_eq!(event.system_property(name).as_deref(), value, "{name}");
        }
        let all = event.system_properties();
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let expected = [
            "connectionDeviceId",
            "connectionDeviceGenerationId",
            "contentType",
            "contentEncoding",
            "messageId",
            "enqueuedTime",
        ];
        assert_eq!(names, expected);
    }
}
