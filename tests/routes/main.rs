//! A hub's routes and event subscriptions, from Resource Manager to what a webhook is sent, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod webhook;

use iolite_testkit::TestEmulator;
use serde_json::{Value, json};
use webhook::Webhook;

const API: &str = "api-version=2023-06-30";

/// The hub's id, and its description with this routing.
async fn put_routing(emulator: &TestEmulator, routing: Value) -> (u16, Value) {
    let (id, owner) = (emulator.resource_id("iot_hubs"), emulator.token("owner-app", "arm").await);
    let mut hub = emulator.call("GET", &format!("{id}?{API}"), &owner, Value::Null).await.body;
    hub["properties"]["routing"] = routing;
    let answer = emulator.call("PUT", &format!("{id}?{API}"), &owner, hub).await;
    (answer.status, answer.body)
}

fn route(condition: &str, endpoint: &str) -> Value {
    json!({"name": "r", "source": "DeviceMessages", "condition": condition, "endpointNames": [endpoint], "isEnabled": true})
}

#[tokio::test]
async fn routes_are_checked_when_they_are_written_and_can_be_tested() {
    let emulator = TestEmulator::start().await;
    let (id, owner) = (emulator.resource_id("iot_hubs"), emulator.token("owner-app", "arm").await);
    let fallback = json!({"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true});
    let bad = json!({"routes": [route("level = 3", "events")], "fallbackRoute": fallback});
    let (status, body) = put_routing(&emulator, bad).await;
    assert_eq!((status, &body["code"]), (400, &json!(400_004)), "{body}");
    let good = json!({"routes": [route("level = 'hot'", "events")], "fallbackRoute": fallback});
    let (status, body) = put_routing(&emulator, good).await;
    assert_eq!(status, 200, "{body}");

    let post = |tail: &'static str, body: Value| {
        let (emulator, owner, target) = (&emulator, &owner, format!("{id}/routing/routes/{tail}?{API}"));
        async move { emulator.call("POST", &target, owner, body).await }
    };
    let hot = json!({"appProperties": {"level": "hot"}});
    let all = post("$testall", json!({"routingSource": "DeviceMessages", "message": hot})).await;
    assert_eq!((all.status, &all.body["routes"][0]["properties"]["name"]), (200, &json!("r")), "{}", all.body);
    let new = post("$testnew", json!({"message": hot, "route": route("level =", "events")})).await;
    let error = &new.body["details"]["compilationErrors"][0]["location"]["start"];
    assert_eq!((new.status, error), (200, &json!({"line": 1, "column": 8})), "{}", new.body);
    emulator.shutdown().await;
}

#[tokio::test]
async fn an_endpoint_that_is_not_emulated_is_kept_and_unhealthy() {
    let emulator = TestEmulator::start().await;
    let (id, owner) = (emulator.resource_id("iot_hubs"), emulator.token("owner-app", "arm").await);
    let queue = json!({"name": "queue", "connectionString": "Endpoint=sb://x/;SharedAccessKey=k;EntityPath=q"});
    let routing = json!({"endpoints": {"serviceBusQueues": [queue]}, "routes": [route("true", "queue")]});
    let (status, body) = put_routing(&emulator, routing).await;
    assert_eq!(status, 200, "{body}");
    let health = emulator.call("GET", &format!("{id}/routingEndpointsHealth?{API}"), &owner, Value::Null).await;
    assert_eq!(health.body["value"][0]["healthStatus"], "unhealthy", "{}", health.body);
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_webhook_that_agreed_hears_of_devices_as_cloud_events() {
    let emulator = TestEmulator::start().await;
    let (id, owner) = (emulator.resource_id("iot_hubs"), emulator.token("owner-app", "arm").await);
    let mut webhook = Webhook::start(true).await;
    let target = format!("{id}/providers/Microsoft.EventGrid/eventSubscriptions/hook?api-version=2022-06-15");
    let body = |url: &str| {
        json!({"properties": {
            "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": url}},
            "eventDeliverySchema": "CloudEventSchemaV1_0",
        }})
    };
    let made = emulator.call("PUT", &target, &owner, body(&webhook.url)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(webhook.next().await.0, "OPTIONS");

    let hub_owner = emulator.token("owner-app", "hub").await;
    let device =
        emulator.call("PUT", "/devices/told?api-version=2021-04-12", &hub_owner, json!({"deviceId": "told"})).await;
    assert_eq!(device.status, 200, "{}", device.body);
    let (method, event) = webhook.next().await;
    assert_eq!(method, "POST");
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!((&event["type"], &event["specversion"]), (&json!("Microsoft.Devices.DeviceCreated"), &json!("1.0")));
    assert_eq!((&event["subject"], &event["data"]["twin"]["deviceId"]), (&json!("devices/told"), &json!("told")));
    assert_eq!(event["source"], id.to_uppercase());

    let sas = emulator.sas(json!({"device": "told"})).await;
    let headers =
        [("iothub-contenttype", "application/json"), ("iothub-contentencoding", "utf-8"), ("iothub-app-level", "hot")];
    let target = "/devices/told/messages/events?api-version=2021-04-12";
    let sent = emulator.call_with("POST", target, &sas, &headers, r#"{"t":21}"#).await;
    assert_eq!(sent.status, 204, "{}", sent.body);
    let event: Value = serde_json::from_str(&webhook.next().await.1).unwrap();
    let data = &event["data"];
    assert_eq!(
        (&event["type"], &data["body"]["t"]),
        (&json!("Microsoft.Devices.DeviceTelemetry"), &json!(21)),
        "{event}"
    );
    assert_eq!(
        (&data["properties"]["level"], &data["systemProperties"]["iothub-message-source"]),
        (&json!("hot"), &json!("Telemetry"))
    );
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_webhook_that_does_not_agree_gets_no_subscription() {
    let emulator = TestEmulator::start().await;
    let (id, owner) = (emulator.resource_id("iot_hubs"), emulator.token("owner-app", "arm").await);
    let mut webhook = Webhook::start(false).await;
    let target = format!("{id}/providers/Microsoft.EventGrid/eventSubscriptions/hook?api-version=2022-06-15");
    let body = json!({"properties": {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": webhook.url}},
        "eventDeliverySchema": "EventGridSchema",
    }});
    let refused = emulator.call("PUT", &target, &owner, body).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("Url validation")), "{}", refused.body);
    let (method, event) = webhook.next().await;
    assert!(method == "POST" && event.contains("Microsoft.EventGrid.SubscriptionValidationEvent"), "{event}");
    let read = emulator.call("GET", &target, &owner, Value::Null).await;
    assert_eq!(read.status, 404);
    emulator.shutdown().await;
}
