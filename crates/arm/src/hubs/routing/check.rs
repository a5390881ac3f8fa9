//! Checks what a hub's routing says as a whole before it is kept: names, targets, conditions, limits. What each member may be
//! is in `hubs::properties`.
//!
//! Source: `RoutingProperties` of 2023-06-30 and the limits of iot-hub-devguide-quotas-throttling; the number of an
//! enrichment's unknown endpoint is recorded, the others are not. Endpoints that are not emulated (Service Bus, Cosmos DB,
//! event hubs elsewhere) are kept, so that templates deploy as they are: their health says that nothing goes there.

use std::collections::HashSet;

use iolite_kernel::ServiceError;
use iolite_query::routing::Condition;
use iolite_resources::{
    BUILT_IN_ENDPOINT, EVENT_GRID_ENDPOINT, EventHubEndpoint, RouteProperties, RoutingEndpoint, RoutingEndpointKind,
    RoutingProperties, StorageContainerEndpoint,
};
use serde_json::{Map, Value};

use crate::errors::{ARGUMENT_INVALID, ENRICHMENT_ENDPOINT_NOT_FOUND};
use crate::fields::Fields;

/// Names that endpoints cannot have.
const RESERVED: [&str; 4] = [BUILT_IN_ENDPOINT, EVENT_GRID_ENDPOINT, "fileNotifications", "$default"];
/// Sources of routes; the last is in the preview's specification, and recorded on a hub of 2021-07-02.
pub(super) const SOURCES: [&str; 6] = [
    "DeviceMessages",
    "TwinChangeEvents",
    "DeviceLifecycleEvents",
    "DeviceJobLifecycleEvents",
    "DeviceConnectionStateEvents",
    "DigitalTwinChangeEvents",
];
const PLACEHOLDERS: [&str; 7] = ["{iothub}", "{partition}", "{YYYY}", "{MM}", "{DD}", "{HH}", "{mm}"];

/// How many endpoints, routes and enrichments a hub has at most.
struct Limits {
    endpoints: usize,
    routes: usize,
    enrichments: usize,
}

/// Checks `properties.routing` of a hub of the sku `sku`, if it is there.
pub(crate) fn check(properties: &Map<String, Value>, sku: &str) -> Result<(), ServiceError> {
    let Some((_, routing)) = properties.iter().find(|(name, _)| name.eq_ignore_ascii_case("routing")) else {
        return Ok(());
    };
    if routing.is_null() {
        return Ok(());
    }
    check_switches(routing)?;
    let routing = RoutingProperties::read(routing);
    let limits = match sku {
        "F1" => Limits { endpoints: 1, routes: 5, enrichments: 2 },
        _ => Limits { endpoints: 10, routes: 100, enrichments: 10 },
    };
    at_most(routing.endpoints.len(), limits.endpoints, "endpoints of its own")?;
    at_most(routing.routes.len(), limits.routes, "routes")?;
    at_most(routing.enrichments.len(), limits.enrichments, "enrichments")?;
    check_endpoints(&routing.endpoints)?;
    let mut names = HashSet::new();
    for route in &routing.routes {
        check_route(&routing, route)?;
        if !names.insert(route.name.to_ascii_lowercase()) {
            return Err(invalid(format!("Two routes are called '{}'.", route.name)));
        }
    }
    if let Some(fallback) = &routing.fallback {
        check_fallback(&routing, fallback)?;
    }
    check_enrichments(&routing)
}

/// Whether a route is in use must be said.
fn check_switches(routing: &Value) -> Result<(), ServiceError> {
    let mut routing = Fields::nested("properties.routing", routing)?;
    let routes = routing.items("routes")?.unwrap_or_default();
    for mut route in routes.into_iter().chain(routing.fields("fallbackRoute")?) {
        let path = route.path("isEnabled");
        if route.flag("isEnabled")?.is_none() {
            return Err(invalid(format!("'{path}' is missing.")));
        }
    }
    Ok(())
}

fn check_endpoints(endpoints: &[RoutingEndpoint]) -> Result<(), ServiceError> {
    let mut names = HashSet::new();
    for endpoint in endpoints {
        let name = &endpoint.name;
        require_name("routing endpoint", name)?;
        if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(invalid(format!("An endpoint cannot be called '{name}': the name is reserved.")));
        }
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(invalid(format!("Two endpoints are called '{name}', of whatever type.")));
        }
        match &endpoint.kind {
            RoutingEndpointKind::EventHub(event_hub) => check_event_hub(name, event_hub)?,
            RoutingEndpointKind::StorageContainer(storage) => check_storage(name, storage)?,
            RoutingEndpointKind::ServiceBusQueue
            | RoutingEndpointKind::ServiceBusTopic
            | RoutingEndpointKind::CosmosDbContainer => {}
        }
    }
    Ok(())
}

fn check_event_hub(name: &str, endpoint: &EventHubEndpoint) -> Result<(), ServiceError> {
    if endpoint.connection_string.is_none() && endpoint.endpoint_uri.is_none() {
        return Err(invalid(format!("The endpoint '{name}' has neither a 'connectionString' nor an 'endpointUri'.")));
    }
    Ok(())
}

fn check_storage(name: &str, endpoint: &StorageContainerEndpoint) -> Result<(), ServiceError> {
    if endpoint.connection_string.is_none() && endpoint.endpoint_uri.is_none() {
        return Err(invalid(format!("The endpoint '{name}' has neither a 'connectionString' nor an 'endpointUri'.")));
    }
    if endpoint.container_name.is_empty() {
        return Err(invalid(format!("The endpoint '{name}' has no 'containerName'.")));
    }
    if let Some(format) = &endpoint.file_name_format
        && let Some(missing) = PLACEHOLDERS.iter().find(|placeholder| !format.contains(**placeholder))
    {
        return Err(invalid(format!("'fileNameFormat' of the endpoint '{name}' lacks {missing}.")));
    }
    Ok(())
}

/// Checks a route as it stands in a hub, or is tested against one.
pub(super) fn check_route(routing: &RoutingProperties, route: &RouteProperties) -> Result<(), ServiceError> {
    require_name("route", &route.name)?;
    let name = &route.name;
    if !SOURCES.iter().any(|source| source.eq_ignore_ascii_case(&route.source)) {
        return Err(invalid(format!("'{}' is not a source of routes: {} are.", route.source, SOURCES.join(", "))));
    }
    check_targets(routing, &format!("The route '{name}'"), route)?;
    check_condition(&format!("The condition of the route '{name}'"), route)
}

fn check_fallback(routing: &RoutingProperties, route: &RouteProperties) -> Result<(), ServiceError> {
    if !route.source.eq_ignore_ascii_case("DeviceMessages") {
        return Err(invalid("The source of the fallback route is 'DeviceMessages'."));
    }
    check_targets(routing, "The fallback route", route)?;
    check_condition("The condition of the fallback route", route)
}

fn check_targets(routing: &RoutingProperties, what: &str, route: &RouteProperties) -> Result<(), ServiceError> {
    let [name] = &route.endpoint_names[..] else {
        return Err(invalid(format!("{what} names {} endpoints; one is needed.", route.endpoint_names.len())));
    };
    if !is_endpoint(routing, name) {
        return Err(invalid(format!("{what} leads to '{name}', which is no endpoint of the hub.")));
    }
    Ok(())
}

fn check_condition(what: &str, route: &RouteProperties) -> Result<(), ServiceError> {
    let condition = route.condition.as_deref().unwrap_or_default();
    Condition::compile(condition).map(drop).map_err(|error| invalid(format!("{what} cannot be used: {error}")))
}

fn check_enrichments(routing: &RoutingProperties) -> Result<(), ServiceError> {
    // Spaces are not documented, and are in a key that Microsoft's own tutorial shows at work (`my IoT Hub`).
    let is_key = |key: &str| {
        !key.is_empty()
            && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' '))
    };
    for enrichment in &routing.enrichments {
        let key = &enrichment.key;
        if !is_key(key) {
            return Err(invalid(format!(
                "'{key}' cannot be an enrichment's key: letters, digits, '-', '_' and '.' can."
            )));
        }
        if enrichment.value.is_empty() {
            return Err(invalid(format!("The enrichment '{key}' has no value.")));
        }
        if enrichment.endpoint_names.is_empty() {
            return Err(invalid(format!("The enrichment '{key}' names no endpoint.")));
        }
        if let Some(unknown) = enrichment.endpoint_names.iter().find(|name| !is_endpoint(routing, name)) {
            let text = format!("The enrichment '{key}' is for '{unknown}', which is no endpoint of the hub.");
            return Err(ServiceError::new(&ENRICHMENT_ENDPOINT_NOT_FOUND, text));
        }
    }
    Ok(())
}

fn is_endpoint(routing: &RoutingProperties, name: &str) -> bool {
    let own = routing.endpoints.iter().map(|endpoint| endpoint.name.as_str());
    own.chain([BUILT_IN_ENDPOINT, EVENT_GRID_ENDPOINT]).any(|known| known.eq_ignore_ascii_case(name))
}

fn require_name(what: &str, name: &str) -> Result<(), ServiceError> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    if (1..=64).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    Err(invalid(format!("'{name}' cannot name a {what}: 1 to 64 letters, digits, '-', '.' and '_' can.")))
}

fn at_most(count: usize, most: usize, what: &str) -> Result<(), ServiceError> {
    if count <= most {
        return Ok(());
    }
    Err(invalid(format!("A hub of this sku has at most {most} {what}, not {count}.")))
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn routing() -> Value {
        json!({
            "endpoints": {
                "eventHubs": [{"name": "hot", "connectionString": "Endpoint=sb://localhost/;EntityPath=e"}],
                "storageContainers": [{"name": "cold", "connectionString": "UseDevelopmentStorage=true", "containerName": "c"}],
                "serviceBusQueues": [{"name": "queue"}],
            },
            "routes": [
                {"name": "a", "source": "DeviceMessages", "condition": "level = 'hot'", "endpointNames": ["HOT"], "isEnabled": true},
                {"name": "b", "source": "TwinChangeEvents", "endpointNames": ["events"], "isEnabled": false},
            ],
            "fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true},
            "enrichments": [{"key": "k", "value": "$iothubname", "endpointNames": ["events", "cold"]}],
        })
    }

    fn checked(change: impl FnOnce(&mut Value)) -> Result<(), ServiceError> {
        let mut routing = routing();
        change(&mut routing);
        let mut properties = Map::new();
        properties.insert("Routing".to_owned(), routing);
        check(&properties, "S1")
    }

    #[test]
    fn good_routing_is_taken() {
        checked(|_| ()).unwrap();
        check(&Map::new(), "S1").unwrap();
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 14] = [
            (|r| r["routes"][0]["condition"] = json!("level = 3"), "line 1, column 7"),
            (|r| r["routes"][0]["endpointNames"] = json!(["gone"]), "leads to 'gone'"),
            (|r| r["routes"][0]["endpointNames"] = json!(["hot", "cold"]), "names 2 endpoints"),
            (|r| r["routes"][0]["source"] = json!("Invalid"), "not a source"),
            (|r| r["routes"][0]["name"] = json!("a b"), "cannot name a route"),
            (|r| r["routes"][1]["name"] = json!("A"), "Two routes"),
            (|r| r["fallbackRoute"]["source"] = json!("TwinChangeEvents"), "fallback route is 'DeviceMessages'"),
            (|r| r["fallbackRoute"]["condition"] = json!("("), "condition of the fallback route"),
            (|r| r["endpoints"]["eventHubs"][0]["name"] = json!("events"), "reserved"),
            (|r| r["endpoints"]["serviceBusQueues"][0]["name"] = json!("Cold"), "Two endpoints"),
            (|r| r["endpoints"]["eventHubs"][0]["connectionString"] = json!(null), "neither"),
            (|r| r["endpoints"]["storageContainers"][0]["containerName"] = json!(""), "containerName"),
            (|r| r["endpoints"]["storageContainers"][0]["fileNameFormat"] = json!("{iothub}"), "{partition}"),
            (|r| r["enrichments"][0]["key"] = json!("a/b"), "enrichment's key"),
        ];
        for (change, words) in cases {
            let error = checked(change).unwrap_err();
            assert_eq!(error.code, &ARGUMENT_INVALID, "{words}");
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn an_enrichment_for_an_unknown_endpoint_has_a_number_of_its_own() {
        let error = checked(|routing| routing["enrichments"][0]["endpointNames"] = json!(["gone"])).unwrap_err();
        assert_eq!(error.code.number, 400_131);
    }

    #[test]
    fn a_member_of_the_wrong_type_is_refused_with_its_path() {
        let error = checked(|routing| routing["routes"][1]["isEnabled"] = json!("yes")).unwrap_err();
        assert!(error.message.contains("'properties.routing.routes[1].isEnabled'"), "{}", error.message);
        let error = checked(|routing| routing["routes"][1]["isEnabled"] = json!(null)).unwrap_err();
        assert!(error.message.contains("'properties.routing.routes[1].isEnabled' is missing"), "{}", error.message);
    }

    #[test]
    fn limits_follow_the_sku() {
        let many = |list: &str, count: usize| {
            let mut routing = routing();
            let item = match list {
                "routes" => routing["routes"][0].clone(),
                _ => routing["enrichments"][0].clone(),
            };
            let named = |number: usize| {
                let mut item = item.clone();
                item["name"] = json!(format!("r{number}"));
                item
            };
            routing[list] = (0..count).map(named).collect();
            let mut properties = Map::new();
            properties.insert("routing".to_owned(), routing);
            properties
        };
        assert!(check(&many("routes", 100), "S1").is_ok() && check(&many("routes", 101), "S1").is_err());
        assert!(check(&many("enrichments", 10), "B1").is_ok() && check(&many("enrichments", 11), "B1").is_err());
        let error = check(&many("routes", 2), "F1").unwrap_err();
        assert!(error.message.contains("at most 1 endpoints of its own"), "{}", error.message);
    }
}
