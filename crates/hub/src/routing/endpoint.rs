//! An endpoint of a hub, as far as events can go there.
//!
//! Compiled with the routes. What lies elsewhere or is not emulated stays known, with the reason that its health tells.

use std::net::IpAddr;
use std::sync::Arc;

use iolite_kernel::Secret;
use iolite_resources::{EventHubEndpoint, Hub, RoutingEndpoint, RoutingEndpointKind};

use super::connection_string::{EventHubConnection, host_of};
use super::storage::StorageTarget;

/// An endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) target: Target,
}

/// Where an endpoint's events go.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// The hub's own stream.
    BuiltIn,
    /// The hub's Event Grid subscriptions.
    EventGrid,
    /// Another stream on this machine.
    Entity(Arc<Entity>),
    /// A container of a blob service.
    Storage(Arc<StorageTarget>),
    /// Nowhere, and why.
    Unreachable(String),
}

/// An Event Hubs-style entity on our own listener, which exists because a hub routes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Its name; entities compare without case.
    pub name: Box<str>,
    /// The hub that routes to it, lower case.
    pub hub: Box<str>,
    /// The policy and key of the endpoint's connection string: who shows them may read. `None` for an endpoint without
    /// keys.
    pub policy: Option<(String, Secret)>,
    /// How many partitions it has: as many as the hub's own stream.
    pub partition_count: u32,
    /// How many days events are kept.
    pub retention_days: u32,
}

impl Entity {
    /// The name of the stream that its events are kept in; entities of one name share it, whichever hub routes there.
    #[must_use]
    pub fn stream_name(&self) -> String {
        format!("entity-{}", self.name.to_ascii_lowercase())
    }
}

impl Endpoint {
    /// The endpoint that `endpoint` of `hub` describes.
    pub(crate) fn new(hub: &Hub, endpoint: &RoutingEndpoint) -> Self {
        let elsewhere = |what: &str| Target::Unreachable(format!("{what} are not emulated; nothing is sent there."));
        let target = match &endpoint.kind {
            RoutingEndpointKind::EventHub(event_hub) => match entity(hub, event_hub) {
                Ok(entity) => Target::Entity(Arc::new(entity)),
                Err(why) => Target::Unreachable(why),
            },
            RoutingEndpointKind::StorageContainer(storage) => {
                match StorageTarget::new(hub.id.name(), &endpoint.name, storage) {
                    Ok(storage) => Target::Storage(Arc::new(storage)),
                    Err(why) => Target::Unreachable(why),
                }
            }
            RoutingEndpointKind::ServiceBusQueue => elsewhere("Service Bus queues"),
            RoutingEndpointKind::ServiceBusTopic => elsewhere("Service Bus topics"),
            RoutingEndpointKind::CosmosDbContainer => elsewhere("Cosmos DB containers"),
        };
        // ARM shows endpoints without an id of their own under one that is made of their name.
        let id = endpoint.id.clone().unwrap_or_else(|| endpoint.name.clone());
        Self { name: endpoint.name.clone(), id, target }
    }
}

fn entity(hub: &Hub, endpoint: &EventHubEndpoint) -> Result<Entity, String> {
    let connection = match (&endpoint.connection_string, &endpoint.endpoint_uri) {
        (Some(text), _) => EventHubConnection::read(text.reveal())
            .ok_or_else(|| "The connection string names no endpoint of the form sb://host/.".to_owned())?,
        (None, Some(uri)) => EventHubConnection {
            host: host_of(uri).ok_or_else(|| format!("'{uri}' is not of the form sb://host/."))?,
            ..EventHubConnection::default()
        },
        (None, None) => return Err("The endpoint has neither a connection string nor an endpoint URI.".to_owned()),
    };
    if !is_ours(&connection.host, hub) {
        return Err(format!(
            "The event hub is at '{}'; only those on this machine are reached, as sb://localhost/.",
            connection.host
        ));
    }
    let name = connection.entity.or_else(|| endpoint.entity_path.clone()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| "Neither EntityPath nor entityPath names the event hub.".to_owned())?;
    if name.eq_ignore_ascii_case(&hub.events.path) {
        return Err("The event hub's name is that of the hub's built-in endpoint.".to_owned());
    }
    Ok(Entity {
        name: name.into(),
        hub: hub.id.name().to_ascii_lowercase().into(),
        policy: connection.key_name.zip(connection.key),
        partition_count: hub.events.partition_count,
        retention_days: hub.events.retention_days,
    })
}

fn is_ours(host: &str, hub: &Hub) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.eq_ignore_ascii_case(&hub.host_name)
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
