//! Messages in HTTP: properties in headers, and batches in JSON.
//!
//! Used by the device API's operations. Source: the device SDKs (Node `http.ts`, .NET `CommonConstants`, C
//! `iothubtransporthttp`). Header names have no case, so application properties lose theirs, as at the service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use iolite_access::Permit;
use iolite_identity::Caller;
use iolite_kernel::{Answer, MediaType, Request, ServiceError};
use iolite_messaging::{Message, SystemName};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::telemetry::{Source, faults};
use crate::{Hub, errors, ids};

/// What an application's own properties begin with.
const OWN: &str = "iothub-app-";
/// The media type of a batch.
const BATCH: &str = "application/vnd.microsoft.iothub.json";

/// The headers of properties that the hub knows.
const KNOWN: [(&str, SystemName); 14] = [
    ("iothub-messageid", SystemName::MessageId),
    ("iothub-correlationid", SystemName::CorrelationId),
    ("iothub-userid", SystemName::UserId),
    ("iothub-to", SystemName::To),
    ("iothub-expiry", SystemName::Expiry),
    ("iothub-contenttype", SystemName::ContentType),
    ("iothub-contentencoding", SystemName::ContentEncoding),
    ("iothub-creationtimeutc", SystemName::CreationTime),
    ("iothub-ack", SystemName::Ack),
    ("iothub-message-schema", SystemName::MessageSchema),
    ("iothub-interface-id", SystemName::InterfaceId),
    ("iothub-outputname", SystemName::OutputName),
    ("iothub-operation", SystemName::Operation),
    ("dt-subject", SystemName::Component),
];

/// Keeps what a device or module posted: 204.
pub(crate) async fn send(hub: &Hub, permit: &Permit, request: &Request) -> Result<Answer, ServiceError> {
    let Caller::Device(caller) = permit.caller() else {
        return Err(errors::invalid("Only a device or module sends telemetry."));
    };
    let source = Source::of(hub, permit.resource_key().into_owned(), caller)?;
    hub.note_activity(&ids::identity_key(source.hub(), &caller.device_id, caller.module_id.as_deref()));
    let now = hub.ground.now();
    let mut receipts = Vec::new();
    for message in messages(request)? {
        if faults::asked_for(&message).is_some() {
            return Err(errors::invalid("A fault can be asked for on a connection that stays, over MQTT or AMQP."));
        }
        receipts.push(source.send(hub, message, now)?);
    }
    for receipt in receipts {
        receipt.wait().await?;
    }
    Ok(Answer::no_content())
}

fn messages(request: &Request) -> Result<Vec<Message>, ServiceError> {
    if request.header("content-type").is_some_and(|kind| MediaType::of(kind).is(BATCH)) {
        return batch(&request.body);
    }
    let mut message = Message::of(request.body.clone());
    take_headers(&mut message, &request.headers);
    Ok(vec![message])
}

fn take_headers(message: &mut Message, headers: &HeaderMap) {
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        take(message, name.as_str(), value);
    }
}

/// Takes a property by its header's name; others are the protocol's own.
fn take(message: &mut Message, name: &str, value: &str) {
    if let Some((_, known)) = KNOWN.iter().find(|(header, _)| name.eq_ignore_ascii_case(header)) {
        message.set_system(*known, value);
    } else if name.get(..OWN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN)) {
        message.properties.push((name[OWN.len()..].into(), Some(value.into())));
    }
}

/// One message of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    body: String,
    #[serde(default = "yes", rename = "base64Encoded")]
    is_base64: bool,
    #[serde(default)]
    properties: Map<String, Value>,
}

const fn yes() -> bool {
    true
}

fn batch(body: &[u8]) -> Result<Vec<Message>, ServiceError> {
    let items: Vec<Item> = serde_json::from_slice(body).map_err(|error| {
        ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, format!("The batch is not what is taken: {error}."))
    })?;
    items.into_iter().map(Item::message).collect()
}

impl Item {
    fn message(self) -> Result<Message, ServiceError> {
        let body = if self.is_base64 {
            STANDARD
                .decode(self.body)
                .map_err(|_| errors::invalid("The body of a message in the batch is not base64."))?
        } else {
            self.body.into_bytes()
        };
        let mut message = Message::of(body);
        for (name, value) in self.properties {
            match value {
                Value::String(value) => take(&mut message, &name, &value),
                Value::Null => {}
                other => take(&mut message, &name, &other.to_string()),
            }
        }
        Ok(message)
    }
}

/// The answer with the properties of `message` in headers.
pub(crate) fn with_properties(mut answer: Answer, message: &Message) -> Answer {
    for (header, name) in KNOWN {
        if let Some(value) = message.system(name) {
            answer = answer.with_header(header, value);
        }
    }
    for (name, value) in &message.properties {
        answer.named.push((format!("{OWN}{name}"), value.as_deref().unwrap_or_default().to_owned()));
    }
    answer
}
