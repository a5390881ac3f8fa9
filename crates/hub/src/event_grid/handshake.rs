//! Asks a webhook whether it wants events, before a subscription is made.
//!
//! Source: end-point-validation-cloud-events-schema and end-point-validation-event-grid-events-schema. The later, manual
//! consent (a callback or validation URL) is not offered: the webhook has to answer at once.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};
use iolite_kernel::{Ground, iso_seven_digits};
use iolite_resources::{DeliverySchema, EventSubscription};
use serde_json::{Value, json};

use super::Webhooks;

/// Who asks.
const ORIGIN: &str = "eventgrid.azure.net";

/// A webhook that does not want events, or cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeError {
    /// The address is none that can be asked.
    Address,
    /// No answer; why.
    Unreachable(String),
    /// An answer that does not agree, with its status.
    Refused(u16),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("the address is not an absolute http or https one"),
            Self::Unreachable(why) => formatter.write_str(why),
            Self::Refused(status) => write!(formatter, "it answered {status} and did not agree"),
        }
    }
}

impl std::error::Error for HandshakeError {}

/// Asks, in the way of the subscription's schema.
pub(super) async fn shake_hands(
    webhooks: &dyn Webhooks,
    ground: &Ground,
    topic: &str,
    subscription: &EventSubscription,
) -> Result<(), HandshakeError> {
    match subscription.schema {
        DeliverySchema::CloudEventSchemaV1 => ask_options(webhooks, subscription).await,
        DeliverySchema::EventGridSchema => ask_code(webhooks, ground, topic, subscription).await,
    }
}

/// CloudEvents' abuse protection: `OPTIONS`, and the origin comes back as allowed. The status says nothing.
async fn ask_options(webhooks: &dyn Webhooks, subscription: &EventSubscription) -> Result<(), HandshakeError> {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(subscription.endpoint_url.reveal())
        .header("webhook-request-origin", ORIGIN)
        .body(Bytes::new());
    let answer = send(webhooks, request).await?;
    let allowed = answer.headers().get("webhook-allowed-origin").and_then(|value| value.to_str().ok());
    let agrees = allowed.is_some_and(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(ORIGIN));
    if agrees { Ok(()) } else { Err(HandshakeError::Refused(answer.status().as_u16())) }
}

/// Event Grid's own: a code goes out in an event and comes back in the answer.
async fn ask_code(
    webhooks: &dyn Webhooks,
    ground: &Ground,
    topic: &str,
    subscription: &EventSubscription,
) -> Result<(), HandshakeError> {
    let code = ground.uuid().to_string().to_ascii_uppercase();
    let event = json!([{
        "id": ground.uuid().to_string(),
        "topic": topic,
        "subject": "",
        "data": {"validationCode": code},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": iso_seven_digits(ground.now()),
        "metadataVersion": "1",
        "dataVersion": "2",
    }]);
    let request = Request::builder()
        .method(Method::POST)
        .uri(subscription.endpoint_url.reveal())
        .header("content-type", "application/json; charset=utf-8")
        .header("aeg-event-type", "SubscriptionValidation")
        .header("aeg-subscription-name", subscription.name.to_ascii_uppercase())
        .header("aeg-delivery-count", "0")
        .body(Bytes::from(event.to_string()));
    let answer = send(webhooks, request).await?;
    let echoed: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().as_u16() == 200 && echoed["validationResponse"] == code.as_str() {
        return Ok(());
    }
    Err(HandshakeError::Refused(answer.status().as_u16()))
}

async fn send(
    webhooks: &dyn Webhooks,
    request: http::Result<Request<Bytes>>,
) -> Result<Response<Bytes>, HandshakeError> {
    let request = request.map_err(|_| HandshakeError::Address)?;
    webhooks.send(request).await.map_err(|error| HandshakeError::Unreachable(error.to_string()))
}
