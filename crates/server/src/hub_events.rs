//! Resource Manager's view of where a hub's events go.

use std::sync::Arc;

use iolite_arm::{HubEvents, WebhookCheck};
use iolite_hub::Hub;
use iolite_resources::{EndpointHealth, EventSubscription};

/// The routing and the Event Grid of the hubs.
pub(crate) struct EventsOfHubs(pub(crate) Arc<Hub>);

impl HubEvents for EventsOfHubs {
    fn endpoint_health(&self, hub: &str) -> Vec<EndpointHealth> {
        self.0.routing.endpoint_health(hub)
    }

    fn validate<'a>(&'a self, topic: &'a str, subscription: &'a EventSubscription) -> WebhookCheck<'a> {
        Box::pin(
            async move { self.0.event_grid.validate(topic, subscription).await.map_err(|error| error.to_string()) },
        )
    }
}
