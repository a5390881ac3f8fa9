//! What Resource Manager asks of a hub's events: how endpoints are doing, and whether a webhook agrees.
//!
//! Implemented by the wiring over the hub's routing and Event Grid; this crate only calls it.

use std::future::Future;
use std::pin::Pin;

use iolite_resources::{EndpointHealth, EventSubscription};

/// A check of a webhook; the error says why it does not agree.
pub type WebhookCheck<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// A hub's events, as far as Resource Manager must know them.
pub trait HubEvents: Send + Sync {
    /// How the endpoints of the hub keyed `hub` are doing.
    fn endpoint_health(&self, hub: &str) -> Vec<EndpointHealth>;

    /// Asks the webhook of a subscription to the events of `topic`, a hub's id, whether it wants them.
    fn validate<'a>(&'a self, topic: &'a str, subscription: &'a EventSubscription) -> WebhookCheck<'a>;
}

/// No events: nothing is known of endpoints, and no webhook can be asked.
pub(crate) struct NoEvents;

impl HubEvents for NoEvents {
    fn endpoint_health(&self, _: &str) -> Vec<EndpointHealth> {
        Vec::new()
    }

    fn validate<'a>(&'a self, _: &'a str, _: &'a EventSubscription) -> WebhookCheck<'a> {
        Box::pin(async { Err("this process delivers no events".to_owned()) })
    }
}
