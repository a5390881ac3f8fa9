//! What a PUT of a twin answers, refuses and keeps.

use serde_json::json;

use super::*;
use crate::models;
use crate::testing::{World, interface, request_for};

const ROOM: &str = "dtmi:example:Room;1";

/// Rooms with a temperature, a name, telemetry, a relationship and a component.
async fn world() -> World {
    let world = World::new();
    let contents = json!([
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "name", "schema": "string"},
        {"@type": "Telemetry", "name": "pulse", "schema": "double"},
        {"@type": "Relationship", "name": "contains"},
        {"@type": "Component", "name": "wifi", "schema": "dtmi:example:Wifi;1"},
    ]);
    let wifi = json!([{"@type": "Property", "name": "router", "schema": "string"}]);
    world.upload(&json!([interface(ROOM, &contents), interface("dtmi:example:Wifi;1", &wifi)])).await;
    world
}

/// A room with more members.
fn room(more: &Value) -> Value {
    let mut room = json!({"$metadata": {"$model": ROOM}, "wifi": {"$metadata": {}}});
    for (name, value) in more.as_object().unwrap() {
        room[name] = value.clone();
    }
    room
}

/// The details of a failed validation.
fn reasons(error: &ServiceError) -> Vec<String> {
    assert_eq!((error.code.name, error.code.status), ("ValidationFailed", 400), "{}", error.message);
    let body: Value = serde_json::from_str(error.body.as_deref().unwrap()).unwrap();
    let details = body["error"]["details"].as_array().unwrap();
    details.iter().map(|detail| detail["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_twin_is_shown_with_the_times_of_its_properties() {
    let world = world().await;
    let body = room(&json!({"temperature": 21, "wifi": {"$metadata": {}, "router": "r1"}}));
    let shown = world.put("room1", &body).await.unwrap();
    let at = "2026-11-22T01:12:48.1200000Z";
    let tag = world.twin("room1").unwrap().entity_tag();
    assert_eq!(
        shown,
        json!({
            "$dtId": "room1",
            "$etag": tag,
            "temperature": 21,
            "wifi": {"router": "r1", "$metadata": {"$lastUpdateTime": at, "router": {"lastUpdateTime": at}}},
            "$metadata": {"$model": ROOM, "$lastUpdateTime": at, "temperature": {"lastUpdateTime": at}},
        })
    );
}

#[tokio::test]
async fn what_was_shown_can_be_put_again() {
    let world = world().await;
    let first = world.put("room1", &room(&json!({"temperature": 21.5}))).await.unwrap();
    world.advance_seconds(60);
    let second = world.put("room1", &first).await.unwrap();
    assert_ne!(first["$etag"], second["$etag"]);
    assert_eq!(second["$metadata"]["temperature"]["lastUpdateTime"], "2026-11-22T01:13:48.1200000Z");
    assert_eq!(second["temperature"], 21.5);
}

#[tokio::test]
async fn a_put_replaces_what_was_there() {
    let world = world().await;
    world.put("room1", &room(&json!({"temperature": 21, "name": "a"}))).await.unwrap();
    let second = world.put("room1", &room(&json!({"name": "b"}))).await.unwrap();
    assert_eq!(second.get("temperature"), None);
    assert_eq!(second["$metadata"].get("temperature"), None);
}

#[tokio::test]
async fn if_none_match_keeps_a_twin_from_being_replaced() {
    let world = world().await;
    let put = |value: &str| {
        let mut request = request_for(&[("id", "room1")], &room(&json!({})).to_string());
        request.headers.insert("if-none-match", value.parse().unwrap());
        world.send(&OPERATION, request)
    };
    assert!(put("*").await.is_ok());
    let tag = world.twin("room1").unwrap().etag;
    assert_eq!(put("*").await.unwrap_err().code.name, "PreconditionFailed");
    assert_eq!(put("W/\"x\"").await.unwrap_err().code.name, "InvalidArgument");
    assert_eq!(world.twin("room1").unwrap().etag, tag);
}

#[tokio::test]
async fn a_model_that_is_not_there_is_named() {
    let world = world().await;
    let error = world.put("room1", &json!({"$metadata": {"$model": "dtmi:example:Hall;1"}})).await.unwrap_err();
    assert_eq!(error.message, "Invalid twin specified");
    assert_eq!(reasons(&error), ["dtmi:example:Hall;1 or one of its dependencies does not exist."]);
    for body in [json!({}), json!({"$metadata": {}}), json!({"$metadata": {"$model": 7}}), json!({"$metadata": 7})] {
        assert_eq!(reasons(&world.put("room1", &body).await.unwrap_err()).len(), 1, "{body}");
    }
    assert!(world.twin("room1").is_none());
}

#[tokio::test]
async fn a_decommissioned_model_makes_no_new_twins_and_keeps_the_old() {
    let world = world().await;
    world.put("old", &room(&json!({}))).await.unwrap();
    let patch = r#"[{"op":"replace","path":"/decommissioned","value":true}]"#;
    world.call(&models::update::OPERATION, &[("id", ROOM)], patch).await.unwrap();
    let error = world.put("new", &room(&json!({}))).await.unwrap_err();
    assert_eq!((error.code.name, error.code.status), ("ModelDecommissioned", 400));
    assert!(world.put("old", &room(&json!({"name": "still"}))).await.is_ok());
}

#[tokio::test]
async fn every_property_must_be_declared_and_of_its_type() {
    let world = world().await;
    for (more, expected) in [
        (json!({"lowest": 1}), "lowest does not appear on the DTDL for Twin."),
        (json!({"$other": 1}), "$other does not appear on the DTDL for Twin."),
        (json!({"temperature": "21"}), "Expected value of type double for temperature on Twin."),
        (json!({"name": null}), "Expected value of type string for name on Twin."),
        (json!({"pulse": 1}), "pulse is not a property - it is a Telemetry."),
        (json!({"contains": "x"}), "contains is not a property - it is a Relationship."),
        (json!({"wifi": {"$metadata": {}, "range": 1}}), "range does not appear on the DTDL for component wifi."),
        (
            json!({"wifi": {"$metadata": {}, "router": 1}}),
            "Expected value of type string for router on component wifi.",
        ),
        (json!({"wifi": {"router": "r1"}}), "The component wifi is missing $metadata, which may be empty."),
        (json!({"name": "x".repeat(4097)}), "The text for name on Twin is longer than 4096 bytes."),
    ] {
        let error = world.put("room1", &room(&more)).await.unwrap_err();
        assert_eq!(reasons(&error), [expected]);
    }
    assert!(world.twin("room1").is_none());
    assert_eq!(reasons(&world.put("room1", &room(&json!({"a": 1, "b": 2}))).await.unwrap_err()).len(), 2);
}

#[tokio::test]
async fn a_component_must_be_there_and_be_an_object() {
    let world = world().await;
    let error = world.put("room1", &json!({"$metadata": {"$model": ROOM}})).await.unwrap_err();
    assert_eq!(reasons(&error), ["Twin is missing the component wifi."]);
    assert_eq!(reasons(&world.put("room1", &room(&json!({"wifi": 7}))).await.unwrap_err()).len(), 2);
}

#[tokio::test]
async fn the_id_of_the_body_must_be_that_of_the_path() {
    let world = world().await;
    assert!(world.put("room1", &room(&json!({"$dtId": "room1", "$etag": "whatever"}))).await.is_ok());
    for id in [json!("room2"), json!(7)] {
        assert_eq!(world.put("room1", &room(&json!({"$dtId": id}))).await.unwrap_err().code.name, "InvalidArgument");
    }
}

#[tokio::test]
async fn a_source_time_is_kept_from_2022_on() {
    let world = world().await;
    let mut body = room(&json!({"temperature": 1}));
    body["$metadata"]["temperature"] = json!({"sourceTime": "2026-11-21T00:00:00Z", "lastUpdateTime": "ignored"});
    let shown = world.put("room1", &body).await.unwrap();
    assert_eq!(shown["$metadata"]["temperature"]["sourceTime"], "2026-11-21T00:00:00Z");
    assert_eq!(shown["$metadata"]["temperature"]["lastUpdateTime"], "2026-11-22T01:12:48.1200000Z");
    let mut old = request_for(&[("id", "room2")], &body.to_string());
    old.api_version = "2020-10-31".into();
    world.send(&OPERATION, old).await.unwrap();
    assert_eq!(world.twin("room2").unwrap().root.stamps["temperature"].source_time, None);
    body["$metadata"]["temperature"]["sourceTime"] = json!("yesterday");
    assert_eq!(reasons(&world.put("room1", &body).await.unwrap_err()).len(), 1);
    body["$metadata"]["name"] = json!({"sourceTime": "2026-11-21T00:00:00Z"});
    assert_eq!(reasons(&world.put("room1", &body).await.unwrap_err()).len(), 2);
}
