//! Event Grid subscriptions to a hub's events, as extension resources of the hub.
//!
//! Source: `EventSubscription` of Microsoft.EventGrid 2022-06-15. Webhooks are the destination that is emulated; a webhook
//! has to agree before its subscription is made.

mod change;
pub(crate) mod delete;
pub(crate) mod document;
pub(crate) mod get;
pub(crate) mod get_full_url;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod put;

use iolite_kernel::{Request, ServiceError};
use iolite_resources::{EventSubscription, Hub};
use iolite_store::Versioned;

use crate::Arm;
use crate::errors::{RESOURCE_NOT_FOUND, URL_VALIDATION};

/// The subscription that the path names, and the hub it hangs on.
fn find(arm: &Arm, request: &Request) -> Result<(Versioned<Hub>, Versioned<EventSubscription>), ServiceError> {
    let hub = crate::hubs::find(arm, request)?;
    let found = arm.estate.event_subscriptions.get(&key(&hub, request)).ok_or_else(|| {
        let name = request.param("eventSubscriptionName");
        let text = format!("The event subscription '{name}' of the hub '{}' was not found.", hub.id.name());
        ServiceError::new(&RESOURCE_NOT_FOUND, text)
    })?;
    Ok((hub, found))
}

fn key(hub: &Hub, request: &Request) -> String {
    EventSubscription::key(&hub.id.name().to_ascii_lowercase(), request.param("eventSubscriptionName"))
}

/// Lets the webhook of `subscription` agree, unless it is where it was and has agreed before.
async fn validate(
    arm: &Arm,
    hub: &Hub,
    subscription: &EventSubscription,
    standing: Option<&EventSubscription>,
) -> Result<(), ServiceError> {
    let same = |before: &EventSubscription| {
        before.endpoint_url == subscription.endpoint_url && before.schema == subscription.schema
    };
    if standing.is_some_and(same) {
        return Ok(());
    }
    arm.events.validate(hub.id.as_str(), subscription).await.map_err(|why| {
        let place = document::without_query(subscription.endpoint_url.reveal());
        ServiceError::new(&URL_VALIDATION, format!("The webhook '{place}' has not agreed to receive events: {why}."))
    })
}
