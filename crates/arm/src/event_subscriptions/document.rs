//! A subscription as answers have it: the address without its query, which often holds a key.

use iolite_kernel::iso_seven_digits;
use iolite_resources::{EventSubscription, Hub};
use serde_json::{Value, json};

use super::change::EVENT_TYPES;

/// The subscription of `hub` as GET, PUT, PATCH and the listing answer it.
pub(super) fn document(hub: &Hub, subscription: &EventSubscription) -> Value {
    let included: Vec<&str> = match &subscription.included_event_types {
        Some(kinds) => kinds.iter().map(String::as_str).collect(),
        None => EVENT_TYPES.to_vec(),
    };
    let mut document = json!({
        "id": format!("{}/providers/{}/{}", hub.id, EventSubscription::TYPE, subscription.name),
        "name": subscription.name,
        "type": EventSubscription::TYPE,
        "systemData": {"createdAt": iso_seven_digits(subscription.created_at)},
        "properties": {
            "topic": hub.id,
            "provisioningState": "Succeeded",
            "destination": {
                "endpointType": "WebHook",
                "properties": {
                    "endpointBaseUrl": without_query(subscription.endpoint_url.reveal()),
                    "maxEventsPerBatch": subscription.max_events_per_batch,
                    "preferredBatchSizeInKilobytes": 64,
                },
            },
            "filter": {
                "subjectBeginsWith": subscription.subject_begins_with,
                "subjectEndsWith": subscription.subject_ends_with,
                "isSubjectCaseSensitive": subscription.subject_case_sensitive,
                "includedEventTypes": included,
            },
            "labels": subscription.labels,
            "eventDeliverySchema": subscription.schema.to_string(),
            "retryPolicy": {
                "maxDeliveryAttempts": subscription.max_delivery_attempts,
                "eventTimeToLiveInMinutes": subscription.event_time_to_live_minutes,
            },
        },
    });
    if let Some(end) = subscription.expires_at {
        document["properties"]["expirationTimeUtc"] = iso_seven_digits(end).into();
    }
    document
}

/// An address up to its query.
pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
