//! A hub's message routing as Resource Manager keeps it: endpoints, routes, the fallback route and enrichments.
//!
//! Read by the hub, which compiles it, and by `arm`, which has checked it before it was kept. Source: `RoutingProperties` of
//! 2023-06-30. Reading never fails: names compare without case, and what has another type counts as left out. It decides
//! nothing about messages.

use iolite_kernel::{Secret, Timestamp};
use serde_json::{Map, Value};

use crate::Hub;

/// The name of the built-in endpoint.
pub const BUILT_IN_ENDPOINT: &str = "events";
/// The name under which routes and enrichments mean the hub's Event Grid subscriptions.
pub const EVENT_GRID_ENDPOINT: &str = "eventgrid";

/// A hub's message routing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoutingProperties {
    /// The endpoints besides the built-in one.
    pub endpoints: Vec<RoutingEndpoint>,
    /// The routes, in the order they were given.
    pub routes: Vec<RouteProperties>,
    /// Where messages go that no route takes; `None` switches it off.
    pub fallback: Option<RouteProperties>,
    /// What is added to messages on their way to endpoints.
    pub enrichments: Vec<EnrichmentProperties>,
}

/// An endpoint of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingEndpoint {
    /// What routes call it.
    pub name: String,
    /// The endpoint's id, as ARM gave it.
    pub id: Option<String>,
    /// What it is.
    pub kind: RoutingEndpointKind,
}

/// What an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingEndpointKind {
    /// An event hub.
    EventHub(EventHubEndpoint),
    /// A container of a storage account.
    StorageContainer(StorageContainerEndpoint),
    /// A Service Bus queue.
    ServiceBusQueue,
    /// A Service Bus topic.
    ServiceBusTopic,
    /// A container of a Cosmos DB database.
    CosmosDbContainer,
}

/// An event hub as an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventHubEndpoint {
    /// `Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…`.
    pub connection_string: Option<Secret>,
    /// `sb://host`, where an identity signs in instead of a key.
    pub endpoint_uri: Option<String>,
    /// The event hub's name, where the connection string does not have it.
    pub entity_path: Option<String>,
}

/// A storage container as an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageContainerEndpoint {
    /// The account's connection string.
    pub connection_string: Option<Secret>,
    /// `https://…`, where an identity signs in instead of a key.
    pub endpoint_uri: Option<String>,
    /// The resource id of the user-assigned identity that signs in; the system-assigned one where it is `None`.
    pub user_assigned_identity: Option<String>,
    /// The container's name.
    pub container_name: String,
    /// How blobs are named.
    pub file_name_format: Option<String>,
    /// How long a batch is filled, in seconds.
    pub batch_frequency_seconds: Option<u32>,
    /// How many bytes a blob has at most.
    pub max_chunk_size_bytes: Option<u32>,
    /// `Avro`, `AvroDeflate` or `JSON`.
    pub encoding: Option<String>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteProperties {
    /// Its name.
    pub name: String,
    /// `DeviceMessages`, `TwinChangeEvents`…
    pub source: String,
    /// What a message must be like; every message is where it is `None`.
    pub condition: Option<String>,
    /// Where messages go.
    pub endpoint_names: Vec<String>,
    /// Whether it is in use.
    pub is_enabled: bool,
}

/// What is added to messages on their way to endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnrichmentProperties {
    /// The application property's name.
    pub key: String,
    /// Its value, or where it is from (`$iothubname`, `$twin.tags.x`).
    pub value: String,
    /// The endpoints whose messages get it.
    pub endpoint_names: Vec<String>,
}

/// How an endpoint is doing, as the one who sends there knows it (`EndpointHealthData`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointHealth {
    /// The endpoint's id.
    pub endpoint_id: String,
    /// `unknown`, `healthy`, `degraded`, `unhealthy` or `dead`.
    pub status: &'static str,
    /// Why the last failure was one.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<Timestamp>,
    /// When something was last sent.
    pub last_success_at: Option<Timestamp>,
    /// When something was last tried.
    pub last_attempt_at: Option<Timestamp>,
}

impl RoutingEndpointKind {
    /// The list of `routing.endpoints` that it stands in.
    #[must_use]
    pub const fn list_name(&self) -> &'static str {
        match self {
            Self::EventHub(_) => "eventHubs",
            Self::StorageContainer(_) => "storageContainers",
            Self::ServiceBusQueue => "serviceBusQueues",
            Self::ServiceBusTopic => "serviceBusTopics",
            Self::CosmosDbContainer => "cosmosDBSqlContainers",
        }
    }
}

impl RouteProperties {
    /// The route that a hub has whose creator said nothing about routing: everything goes to the built-in endpoint.
    #[must_use]
    pub fn default_fallback() -> Self {
        Self {
            name: "$fallback".to_owned(),
            source: "DeviceMessages".to_owned(),
            condition: Some("true".to_owned()),
            endpoint_names: vec![BUILT_IN_ENDPOINT.to_owned()],
            is_enabled: true,
        }
    }

    /// Reads a route.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        Self {
            name: text(value, "name").unwrap_or_default(),
            source: text(value, "source").unwrap_or_default(),
            condition: text(value, "condition"),
            endpoint_names: texts(value, "endpointNames"),
            is_enabled: member(value, "isEnabled").and_then(Value::as_bool).unwrap_or_default(),
        }
    }
}

impl RoutingProperties {
    /// The routing of `hub`. Without any, its fallback route is on; with some, it is what was said of it.
    #[must_use]
    pub fn of(hub: &Hub) -> Self {
        match find(&hub.other_properties, "routing") {
            Some(routing) if routing.is_object() => Self::read(routing),
            _ => Self { fallback: Some(RouteProperties::default_fallback()), ..Self::default() },
        }
    }

    /// Reads `properties.routing`.
    #[must_use]
    pub fn read(routing: &Value) -> Self {
        Self {
            endpoints: member(routing, "endpoints").map(read_endpoints).unwrap_or_default(),
            routes: items(routing, "routes").map(RouteProperties::read).collect(),
            fallback: member(routing, "fallbackRoute").filter(|route| route.is_object()).map(RouteProperties::read),
            enrichments: items(routing, "enrichments").map(read_enrichment).collect(),
        }
    }
}

fn read_endpoints(endpoints: &Value) -> Vec<RoutingEndpoint> {
    let read = |list: &str, kind: fn(&Value) -> RoutingEndpointKind| -> Vec<RoutingEndpoint> {
        let endpoint = |value: &Value| RoutingEndpoint {
            name: text(value, "name").unwrap_or_default(),
            id: text(value, "id"),
            kind: kind(value),
        };
        items(endpoints, list).map(endpoint).collect()
    };
    let mut all = read("eventHubs", |value| {
        RoutingEndpointKind::EventHub(EventHubEndpoint {
            connection_string: text(value, "connectionString").map(Secret::new),
            endpoint_uri: text(value, "endpointUri"),
            entity_path: text(value, "entityPath"),
        })
    });
    all.extend(read("storageContainers", read_storage));
    all.extend(read("serviceBusQueues", |_| RoutingEndpointKind::ServiceBusQueue));
    all.extend(read("serviceBusTopics", |_| RoutingEndpointKind::ServiceBusTopic));
    all.extend(read("cosmosDBSqlContainers", |_| RoutingEndpointKind::CosmosDbContainer));
    all
}

fn read_storage(value: &Value) -> RoutingEndpointKind {
    let number = |name| member(value, name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    RoutingEndpointKind::StorageContainer(StorageContainerEndpoint {
        connection_string: text(value, "connectionString").map(Secret::new),
        endpoint_uri: text(value, "endpointUri"),
        user_assigned_identity: member(value, "identity").and_then(|identity| text(identity, "userAssignedIdentity")),
        container_name: text(value, "containerName").unwrap_or_default(),
        file_name_format: text(value, "fileNameFormat"),
        batch_frequency_seconds: number("batchFrequencyInSeconds"),
        max_chunk_size_bytes: number("maxChunkSizeInBytes"),
        encoding: text(value, "encoding"),
    })
}

fn read_enrichment(value: &Value) -> EnrichmentProperties {
    EnrichmentProperties {
        key: text(value, "key").unwrap_or_default(),
        value: text(value, "value").unwrap_or_default(),
        endpoint_names: texts(value, "endpointNames"),
    }
}

fn find<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    find(value.as_object()?, name).filter(|value| !value.is_null())
}

fn text(value: &Value, name: &str) -> Option<String> {
    member(value, name)?.as_str().map(str::to_owned)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    member(value, name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    items(value, name).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_list_of_endpoints_is_read_without_minding_case() {
        let routing = RoutingProperties::read(&json!({
            "Endpoints": {
                "eventHubs": [{"name": "e", "connectionString": "c", "entityPath": "p", "id": "1"}],
                "storageContainers": [{"name": "s", "containerName": "c", "batchFrequencyInSeconds": 60, "encoding": "JSON"}],
                "serviceBusQueues": [{"name": "q"}], "serviceBusTopics": null,
                "cosmosDBSqlContainers": [{"name": "d"}],
            },
        }));
        let names: Vec<(&str, &str)> =
            routing.endpoints.iter().map(|endpoint| (endpoint.name.as_str(), endpoint.kind.list_name())).collect();
        let expected =
            [("e", "eventHubs"), ("s", "storageContainers"), ("q", "serviceBusQueues"), ("d", "cosmosDBSqlContainers")];
        assert_eq!(names, expected);
        let RoutingEndpointKind::StorageContainer(storage) = &routing.endpoints[1].kind else { unreachable!() };
        assert_eq!((storage.batch_frequency_seconds, storage.max_chunk_size_bytes), (Some(60), None));
        assert_eq!(routing.fallback, None);
    }

    #[test]
    fn routes_and_enrichments_keep_their_order() {
        let routing = RoutingProperties::read(&json!({
            "routes": [
                {"name": "a", "source": "DeviceMessages", "condition": "x = '1'", "endpointNames": ["events"], "isEnabled": true},
                {"name": "b", "source": "TwinChangeEvents", "endpointNames": ["e"], "isEnabled": false},
            ],
            "fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true},
            "enrichments": [{"key": "k", "value": "$iothubname", "endpointNames": ["e", "events"]}],
        }));
        assert_eq!(routing.routes[0].condition.as_deref(), Some("x = '1'"));
        assert!(routing.routes[0].is_enabled && !routing.routes[1].is_enabled);
        assert_eq!(routing.routes[1].endpoint_names, ["e"]);
        assert!(routing.fallback.unwrap().is_enabled);
        assert_eq!(routing.enrichments[0].endpoint_names, ["e", "events"]);
    }
}
