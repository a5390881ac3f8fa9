//! Direct methods: calls go on one link, answers come on its pair; the correlation id, a GUID, pairs the two.

use bytes::Bytes;
use iolite_kernel::Uuid;
use iolite_messaging::MethodCall;

use super::Conversation;
use super::address::Endpoint;
use super::devices::DeviceKey;
use super::message::read_body;
use crate::codec::{AmqpError, Body, Outcome, Properties, Value, WireMessage, condition};
use crate::engine::Ticket;

const NAME: &str = "IoThub-methodname";
const STATUS: &str = "IoThub-status";

impl Conversation {
    /// Hands a call to the device, on the link that it opened last.
    pub(super) fn call_method(&mut self, key: &DeviceKey, call: &MethodCall) {
        let Some(link) = self.receivers_of(key, Endpoint::Methods).pop() else { return };
        let correlation_id = Uuid::parse_str(&call.request_id)
            .map_or_else(|_| Value::string(call.request_id.as_str()), |id| Value::Uuid(*id.as_bytes()));
        let mut message = WireMessage {
            properties: Some(Properties { correlation_id, ..Properties::default() }),
            body: Body::data(call.payload.clone()),
            ..WireMessage::default()
        };
        message.application_properties.put(NAME, Value::string(call.name.as_str()));
        self.post(link, &message);
    }

    pub(super) fn on_method_answer(&mut self, ticket: Ticket, key: &DeviceKey, payload: Bytes) {
        match read(payload) {
            Ok((request_id, status, body)) => {
                if let Some(session) = self.session_of(key) {
                    session.answer_method(&request_id, status, body);
                }
                self.engine.settle(ticket, Outcome::Accepted);
            }
            Err(error) => self.reject(ticket, error),
        }
    }
}

fn read(payload: Bytes) -> Result<(String, i32, Bytes), AmqpError> {
    let message = WireMessage::read(payload).map_err(|error| AmqpError::new(condition::DECODE_ERROR, error.0))?;
    let wrong = |text| AmqpError::new("com.microsoft:argument-error", text);
    let request_id = match message.properties.as_ref().map(|properties| &properties.correlation_id) {
        Some(Value::Uuid(bytes)) => Uuid::from_bytes(*bytes).to_string(),
        Some(Value::String(text)) => text.to_string(),
        // Some clients send the GUID's bytes as binary.
        Some(Value::Binary(bytes)) => Uuid::from_slice(bytes).map(|id| id.to_string()).unwrap_or_default(),
        _ => String::new(),
    };
    if request_id.is_empty() {
        return Err(wrong("The answer has no correlation id."));
    }
    let status = message.application_properties.get(STATUS);
    let status = status.and_then(Value::as_i64).or_else(|| status.and_then(Value::as_text)?.parse().ok());
    let status =
        status.and_then(|status| i32::try_from(status).ok()).ok_or_else(|| wrong("The answer has no status."))?;
    Ok((request_id, status, read_body(message.body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(correlation_id: Value, status: Value) -> Bytes {
        let mut message = WireMessage {
            properties: Some(Properties { correlation_id, ..Properties::default() }),
            body: Body::data("{}"),
            ..WireMessage::default()
        };
        message.application_properties.put(STATUS, status);
        message.to_bytes()
    }

    #[test]
    fn an_answer_has_the_calls_id_and_a_status() {
        let id = Uuid::from_bytes([7; 16]);
        let expected = (id.to_string(), 200, Bytes::from_static(b"{}"));
        for correlation in
            [Value::Uuid([7; 16]), Value::string(id.to_string()), Value::Binary(Bytes::copy_from_slice(&[7; 16]))]
        {
            assert_eq!(read(answer(correlation, Value::Int(200))), Ok(expected.clone()));
        }
        assert_eq!(read(answer(Value::Uuid([7; 16]), Value::string("200"))), Ok(expected));
    }

    #[test]
    fn an_answer_without_either_is_rejected() {
        assert!(read(answer(Value::Null, Value::Int(200))).is_err());
        assert!(read(answer(Value::Uuid([7; 16]), Value::Null)).is_err());
        assert!(read(answer(Value::Uuid([7; 16]), Value::Long(i64::MAX))).is_err());
    }
}
