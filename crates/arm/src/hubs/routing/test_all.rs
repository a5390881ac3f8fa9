//! Tests all routes of a hub with a message.
//! Source: 2023-06-30 and recorded answers, which list the routes that matched. Routes that are off, and the fallback route,
//! are not among them.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_query::routing::Condition;
use iolite_resources::{RouteProperties, RoutingProperties};
use serde_json::{Value, json};

use super::check::SOURCES;
use super::find;
use super::message::TestMessage;
use crate::Arm;
use crate::errors::INVALID_ROUTE_TEST_INPUT;
use crate::fields::Fields;

/// `IotHubResource_TestAllRoutes`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_TestAllRoutes",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{iotHubName}/routing/routes/$testall"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/routing/$testall/Action" },
    support: Support::Served,
    summary: "Tests all routes of a hub with a message.",
};

/// Answers 200 with the routes that take the message; of every source where none is named.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let mut input = Fields::of(&request)?;
    let source = input.text("routingSource")?;
    if let Some(source) = &source
        && !SOURCES.iter().any(|known| known.eq_ignore_ascii_case(source))
    {
        let text = format!("'{source}' is not a source of routes: {} are.", SOURCES.join(", "));
        return Err(ServiceError::new(&INVALID_ROUTE_TEST_INPUT, text));
    }
    let message = TestMessage::read(&mut input)?;
    let hub = find(arm, &request)?;
    let takes = |route: &&RouteProperties| {
        let condition = Condition::compile(route.condition.as_deref().unwrap_or_default());
        route.is_enabled
            && source.as_ref().is_none_or(|source| source.eq_ignore_ascii_case(&route.source))
            && condition.is_ok_and(|condition| condition.matches(&message))
    };
    let routes = RoutingProperties::of(&hub).routes;
    let matched: Vec<Value> = routes.iter().filter(takes).map(|route| json!({"properties": document(route)})).collect();
    Ok(Answer::ok(&json!({"routes": matched})))
}

fn document(route: &RouteProperties) -> Value {
    json!({
        "name": route.name,
        "source": route.source,
        "condition": route.condition.as_deref().unwrap_or("true"),
        "endpointNames": route.endpoint_names,
        "isEnabled": route.is_enabled,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{GROUP, World, json};

    async fn standing() -> (World, String) {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        let route = |name: &str, source: &str, condition: &str| json!({"name": name, "source": source, "condition": condition, "endpointNames": ["events"], "isEnabled": true});
        let mut off = route("off", "DeviceMessages", "true");
        off["isEnabled"] = json!(false);
        let routes = json!([
            route("all", "DeviceMessages", "true"),
            route("hot", "DeviceMessages", "level = 'hot' AND $body.t > 20 AND $twin.tags.floor = '2'"),
            route("twin", "TwinChangeEvents", "true"),
            off,
        ]);
        let body =
            json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {"routing": {"routes": routes}}});
        world.put(&path, body).await.unwrap();
        (world, format!("{path}/routing/routes/$testall"))
    }

    fn names(answer: &Value) -> Vec<&str> {
        let routes = answer["routes"].as_array().unwrap();
        routes.iter().map(|route| route["properties"]["name"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn the_routes_that_take_the_message_are_answered() {
        let (world, path) = standing().await;
        let message = json!({
            "body": "{\"t\": 21}", "appProperties": {"level": "hot"},
            "systemProperties": {"contentType": "application/json", "contentEncoding": "utf-8"},
        });
        let twin = json!({"tags": {"floor": "2"}, "properties": {"desired": {}, "reported": {}}});
        let input = json!({"routingSource": "deviceMessages", "message": message, "twin": twin});
        let answer = world.post(&path, Some(input)).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(names(&json(&answer)), ["all", "hot"]);
        let bare = json(&world.post(&path, Some(json!({}))).await.unwrap());
        assert_eq!(names(&bare), ["all", "twin"]);
    }

    #[tokio::test]
    async fn a_source_that_is_none_and_a_hub_that_is_not_there_are_refused() {
        let (world, path) = standing().await;
        let error = world.post(&path, Some(json!({"routingSource": "Mail"}))).await.unwrap_err();
        assert_eq!(error.code.number, 400_100);
        let error = world.post(&path.replace("hub1", "hub2"), Some(json!({}))).await.unwrap_err();
        assert_eq!(error.code.status, 404);
    }
}
