//! One request to a webhook, with the events of a batch.

use bytes::Bytes;
use http::Request;
use iolite_resources::{DeliverySchema, EventSubscription};
use serde_json::Value;

use super::Webhooks;
use super::queue::Batch;
use super::retry::Outcome;

/// Sends the batch and says what became of it.
pub(super) async fn deliver(webhooks: &dyn Webhooks, subscription: &EventSubscription, batch: &Batch) -> Outcome {
    let Some(request) = request(subscription, batch) else { return Outcome::Refused };
    match webhooks.send(request).await {
        Ok(answer) => Outcome::of_status(answer.status().as_u16()),
        Err(_) => Outcome::Failed,
    }
}

/// Event Grid's schema is always a list; CloudEvents are one unless batches were asked for (event-grid batching).
fn request(subscription: &EventSubscription, batch: &Batch) -> Option<Request<Bytes>> {
    let attempts = batch.events.iter().map(|waiting| waiting.attempts).max().unwrap_or_default();
    let events = batch.events.iter().map(|waiting| &waiting.event);
    let (kind, body) = match subscription.schema {
        DeliverySchema::EventGridSchema => (
            "application/json; charset=utf-8",
            Value::Array(events.map(|event| event.in_event_grid_schema()).collect()),
        ),
        DeliverySchema::CloudEventSchemaV1 => {
            let mut events: Vec<Value> = events.map(|event| event.as_cloud_event()).collect();
            match events.pop() {
                Some(only) if events.is_empty() && subscription.max_events_per_batch <= 1 => {
                    ("application/cloudevents+json; charset=utf-8", only)
                }
                last => {
                    events.extend(last);
                    ("application/cloudevents-batch+json; charset=utf-8", Value::Array(events))
                }
            }
        }
    };
    Request::post(subscription.endpoint_url.reveal())
        .header("content-type", kind)
        .header("aeg-event-type", "Notification")
        .header("aeg-subscription-name", subscription.name.to_ascii_uppercase())
        .header("aeg-delivery-count", attempts.to_string())
        .header("aeg-metadata-version", "1")
        .header("webhook-request-origin", "eventgrid.azure.net")
        .body(Bytes::from(body.to_string()))
        .ok()
}
