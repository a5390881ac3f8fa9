//! The property bag at the end of a topic: `name=value&name=value`, percent-encoded; `name` alone has no value, `name=` an
//! empty one. Names of the system begin with `$.`, but for `iothub-ack` and `iothub-operation`.
//!
//! Source: the hub's MQTT documentation, and the names that the .NET, Node and Python SDKs write and read.

use iolite_messaging::{Message, SystemName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// As the hub encodes: all but the unreserved characters of RFC 3986.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The names that travel in a bag.
const NAMES: [(SystemName, &str); 17] = [
    (SystemName::MessageId, "$.mid"),
    (SystemName::CorrelationId, "$.cid"),
    (SystemName::UserId, "$.uid"),
    (SystemName::To, "$.to"),
    (SystemName::Expiry, "$.exp"),
    (SystemName::ContentType, "$.ct"),
    (SystemName::ContentEncoding, "$.ce"),
    (SystemName::CreationTime, "$.ctime"),
    (SystemName::MessageSchema, "$.schema"),
    (SystemName::OutputName, "$.on"),
    (SystemName::InterfaceId, "$.ifid"),
    (SystemName::Component, "$.sub"),
    (SystemName::DiagnosticId, "$.diagid"),
    (SystemName::DiagnosticContext, "$.diagctx"),
    (SystemName::ConnectionDeviceId, "$.cdid"),
    (SystemName::ConnectionModuleId, "$.cmid"),
    (SystemName::Ack, "iothub-ack"),
];
const OPERATION: &str = "iothub-operation";

/// A bag that is not one: an escape that is none, bytes that are not UTF-8, or a value without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadBag;

/// Adds the properties of `bag` to `message`. A system name written twice counts the last time.
pub(crate) fn read(bag: &str, message: &mut Message) -> Result<(), BadBag> {
    for pair in bag.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
        let name = decode(name)?;
        if name.is_empty() {
            return Err(BadBag);
        }
        let value = value.map(decode).transpose()?;
        match system_name(&name) {
            Some(system) => message.set_system(system, value.unwrap_or_default()),
            None => message.properties.push((name, value)),
        }
    }
    Ok(())
}

/// Appends the properties of `message` to `topic`, those of the system first.
pub(crate) fn write(message: &Message, topic: &mut String) {
    let mut between = "";
    let mut put = |name: &str, value: Option<&str>| {
        topic.push_str(std::mem::replace(&mut between, "&"));
        topic.extend(utf8_percent_encode(name, ENCODED));
        if let Some(value) = value {
            topic.push('=');
            topic.extend(utf8_percent_encode(value, ENCODED));
        }
    };
    for (system, value) in &message.system {
        if let Some(name) = spelling(*system) {
            put(name, Some(value));
        }
    }
    for (name, value) in &message.properties {
        put(name, value.as_deref());
    }
}

fn system_name(name: &str) -> Option<SystemName> {
    if !name.starts_with("$.") && !name.starts_with("iothub-") {
        return None;
    }
    if name == OPERATION {
        return Some(SystemName::Operation);
    }
    NAMES.iter().find(|(_, known)| *known == name).map(|(system, _)| *system)
}

fn spelling(system: SystemName) -> Option<&'static str> {
    if system == SystemName::Operation {
        return Some(OPERATION);
    }
    NAMES.iter().find(|(known, _)| *known == system).map(|(_, name)| *name)
}

/// Undoes the percent-encoding, strictly; `+` is a plus.
fn decode(text: &str) -> Result<Box<str>, BadBag> {
    if !text.contains('%') {
        return Ok(text.into());
    }
    let mut escapes = text.split('%').skip(1);
    if escapes.any(|escape| !matches!(escape.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
    {
        return Err(BadBag);
    }
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| BadBag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(bag: &str) -> Message {
        let mut message = Message::default();
        read(bag, &mut message).unwrap();
        message
    }

    #[test]
    fn system_names_are_told_from_the_applications_own() {
        let message = message("%24.ct=application%2Fjson&$.mid=m%201&temperatureAlert=true&$.other=x&iothub-ack=full");
        assert_eq!(message.system(SystemName::ContentType), Some("application/json"));
        assert_eq!(message.system(SystemName::MessageId), Some("m 1"));
        assert_eq!(message.system(SystemName::Ack), Some("full"));
        assert_eq!(message.property("temperatureAlert"), Some("true"));
        assert_eq!(message.property("$.other"), Some("x"));
    }

    #[test]
    fn no_value_and_an_empty_value_differ() {
        let expected = vec![("a".into(), None), ("b".into(), Some("".into())), ("c".into(), Some("=".into()))];
        assert_eq!(message("a&b=&c==&").properties, expected);
    }

    #[test]
    fn a_plus_is_a_plus() {
        assert_eq!(message("a=1+1").property("a"), Some("1+1"));
    }

    #[test]
    fn what_is_not_percent_encoding_is_no_bag() {
        for bag in ["a=%", "a=%4", "a=%zz", "a=%ff", "=x", "%=1", "a=1&=2"] {
            assert_eq!(read(bag, &mut Message::default()), Err(BadBag), "{bag}");
        }
    }

    #[test]
    fn every_name_of_the_bag_comes_back() {
        for (system, _) in NAMES.iter().copied().chain([(SystemName::Operation, "")]) {
            let mut sent = Message::default();
            sent.set_system(system, "v/1");
            let mut bag = String::new();
            write(&sent, &mut bag);
            assert_eq!(message(&bag), sent, "{bag}");
        }
    }

    proptest! {
        #[test]
        fn a_bag_comes_back_as_it_was(pairs in prop::collection::vec(("[a-zA-Z%&=+/ é]{1,9}", prop::option::of(".{0,9}")), 0..5)) {
            let properties = pairs.into_iter().map(|(name, value)| (name.into(), value.map(Into::into))).collect();
            let sent = Message { properties, ..Message::default() };
            let mut bag = String::new();
            write(&sent, &mut bag);
            prop_assert_eq!(message(&bag), sent);
        }

        #[test]
        fn no_text_breaks_the_reader(bag in ".{0,60}") {
            let _ = read(&bag, &mut Message::default());
        }
    }
}
