//! What one delivery of telemetry holds: a message, or several in one of two forms.
//!
//! Azure's batch format (message format 0x80013700) has a whole message in each data section; the JSON form has the content
//! type `application/vnd.microsoft.iothub.json` and an array of bodies in base64 with properties.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use iolite_messaging::{Message, SystemName};
use serde_json::Value as Json;

use super::message::read_message;
use crate::codec::{AmqpError, Body, WireMessage, condition};

/// The message format of Azure's batches.
const BATCHED: u32 = 0x8001_3700;
/// The content type of a batch in JSON.
const JSON_BATCH: &str = "application/vnd.microsoft.iothub.json";
/// How the properties are named that ask for a fault. The C SDK, which batches all that it sends, puts them on the batch and
/// not on the message in it (`override_fault_injection_properties_if_needed` in its uamqp_messaging.c).
const FAULTS: &str = "AzIoTHub_Fault";

/// The messages of a delivery, in order.
pub(super) fn read(format: u32, payload: Bytes) -> Result<Vec<Message>, AmqpError> {
    let wire = wire_message(payload)?;
    if format == BATCHED {
        let Body::Data(sections) = wire.body else {
            return Err(AmqpError::new(condition::DECODE_ERROR, "A batch is made of data sections."));
        };
        let envelope = WireMessage { application_properties: wire.application_properties, ..WireMessage::default() };
        let asked = read_message(envelope)?.properties.into_iter().filter(|(name, _)| name.starts_with(FAULTS));
        let messages = sections.into_iter().map(|section| read_message(wire_message(section)?));
        let mut messages: Vec<Message> = messages.collect::<Result<_, _>>()?;
        if let Some(first) = messages.first_mut() {
            first.properties.extend(asked);
        }
        return Ok(messages);
    }
    let message = read_message(wire)?;
    if message.system(SystemName::ContentType) == Some(JSON_BATCH) {
        return read_json(&message.body).ok_or_else(|| {
            AmqpError::new("com.microsoft:argument-error", "The batch is no JSON array of bodies and properties.")
        });
    }
    Ok(vec![message])
}

fn wire_message(payload: Bytes) -> Result<WireMessage, AmqpError> {
    WireMessage::read(payload).map_err(|error| AmqpError::new(condition::DECODE_ERROR, error.0))
}

fn read_json(body: &[u8]) -> Option<Vec<Message>> {
    let items: Vec<Json> = serde_json::from_slice(body).ok()?;
    items.iter().map(read_item).collect()
}

fn read_item(item: &Json) -> Option<Message> {
    let text = item.get("body")?.as_str()?;
    let encoded = item.get("base64Encoded").and_then(Json::as_bool).unwrap_or(true);
    let body = if encoded { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };
    let mut message = Message::of(body);
    if let Some(properties) = item.get("properties") {
        for (name, value) in properties.as_object()? {
            message.properties.push((name.as_str().into(), Some(value.as_str()?.into())));
        }
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Properties, Value};

    fn wire(body: &'static str) -> WireMessage {
        WireMessage { body: Body::data(body), ..WireMessage::default() }
    }

    #[test]
    fn a_batch_holds_a_message_in_each_section() {
        let mut second = wire("two");
        second.application_properties.put("n", Value::string("2"));
        let batch =
            WireMessage { body: Body::Data(vec![wire("one").to_bytes(), second.to_bytes()]), ..WireMessage::default() };
        let messages = read(BATCHED, batch.to_bytes()).unwrap();
        let bodies: Vec<&[u8]> = messages.iter().map(|message| &*message.body).collect();
        assert_eq!(bodies, [b"one", b"two"]);
        assert_eq!(messages[1].property("n"), Some("2"));
    }

    #[test]
    fn a_fault_that_a_batch_asks_for_is_asked_for_by_its_first_message() {
        let sections = vec![wire("one").to_bytes(), wire("two").to_bytes()];
        let mut batch = WireMessage { body: Body::Data(sections), ..WireMessage::default() };
        batch.application_properties.put("AzIoTHub_FaultOperationType", Value::string("KillTcp"));
        batch.application_properties.put("other", Value::string("x"));
        let messages = read(BATCHED, batch.to_bytes()).unwrap();
        assert_eq!(messages[0].property("AzIoTHub_FaultOperationType"), Some("KillTcp"));
        assert_eq!((messages[0].property("other"), messages[1].properties.len()), (None, 0));
    }

    #[test]
    fn a_batch_may_be_json() {
        let properties = Properties { content_type: Some(JSON_BATCH.into()), ..Properties::default() };
        let batch = |body| WireMessage { properties: Some(properties.clone()), ..wire(body) }.to_bytes();
        let messages = read(0, batch(r#"[{"body":"b25l","properties":{"n":"1"}},{"body":"x","base64Encoded":false}]"#));
        let messages = messages.unwrap();
        assert_eq!((&*messages[0].body, messages[0].property("n")), (&b"one"[..], Some("1")));
        assert_eq!(&*messages[1].body, b"x");
        for broken in ["{}", "[{}]", r#"[{"body":"%"}]"#, r#"[{"body":"","properties":{"n":1}}]"#, "["] {
            assert_eq!(read(0, batch(broken)).unwrap_err().condition.0.as_ref(), "com.microsoft:argument-error");
        }
    }

    #[test]
    fn a_plain_message_is_one() {
        assert_eq!(read(0, wire("x").to_bytes()).unwrap(), vec![Message::of("x")]);
        assert_eq!(read(0, Bytes::from_static(b"x")).unwrap_err().condition.0.as_ref(), "amqp:decode-error");
    }
}
