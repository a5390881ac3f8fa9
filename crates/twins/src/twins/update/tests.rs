//! What a PATCH of a twin changes, refuses and leaves alone.

use serde_json::{Value, json};

use super::*;
use crate::models;
use crate::testing::{World, interface, request_for};

const ROOM: &str = "dtmi:example:Room;1";
const HALL: &str = "dtmi:example:Hall;1";

/// A room `r` with a temperature and a component; halls have a `height` and no component.
async fn world() -> World {
    let world = World::new();
    let room = json!([
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "unit", "schema": "string"},
        {"@type": "Property", "name": "place", "schema": {"@type": "Object", "fields": []}},
        {"@type": "Property", "name": "list", "schema": {"@type": "Array", "elementSchema": "double"}},
        {"@type": "Component", "name": "wifi", "schema": "dtmi:example:Wifi;1"},
    ]);
    let hall = json!([
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "height", "schema": "double"},
    ]);
    let wifi = json!([{"@type": "Property", "name": "router", "schema": "string"}]);
    world
        .upload(&json!([interface(ROOM, &room), interface(HALL, &hall), interface("dtmi:example:Wifi;1", &wifi)]))
        .await;
    let body = json!({"$metadata": {"$model": ROOM}, "temperature": 20, "wifi": {"$metadata": {}, "router": "r1"}});
    world.put("r", &body).await.unwrap();
    world.advance_seconds(60);
    world
}

async fn patch(world: &World, body: &Value) -> Result<Value, ServiceError> {
    world.call(&OPERATION, &[("id", "r")], &body.to_string()).await
}

async fn shown(world: &World) -> Value {
    world.call(&crate::twins::get::OPERATION, &[("id", "r")], "").await.unwrap()
}

const BEFORE: &str = "2026-11-22T01:12:48.1200000Z";
const AFTER: &str = "2026-11-22T01:13:48.1200000Z";

#[tokio::test]
async fn properties_are_added_replaced_and_removed() {
    let world = world().await;
    let old = world.twin("r").unwrap().etag;
    patch(&world, &json!([{"op": "add", "path": "/unit", "value": "Celsius"}, {"op": "replace", "path": "/temperature", "value": 42}]))
        .await
        .unwrap();
    let twin = shown(&world).await;
    assert_eq!((&twin["unit"], &twin["temperature"]), (&json!("Celsius"), &json!(42)));
    assert_eq!(twin["$metadata"]["temperature"]["lastUpdateTime"], AFTER);
    assert_ne!(world.twin("r").unwrap().etag, old);
    patch(&world, &json!([{"op": "remove", "path": "/temperature"}])).await.unwrap();
    let twin = shown(&world).await;
    assert!(twin.get("temperature").is_none() && twin["$metadata"].get("temperature").is_none());
}

#[tokio::test]
async fn only_what_was_written_gets_a_new_time() {
    let world = world().await;
    patch(&world, &json!([{"op": "add", "path": "/unit", "value": "Celsius"}])).await.unwrap();
    let metadata = shown(&world).await["$metadata"].clone();
    assert_eq!(metadata["temperature"]["lastUpdateTime"], BEFORE);
    assert_eq!(metadata["unit"]["lastUpdateTime"], AFTER);
    assert_eq!(metadata["$lastUpdateTime"], AFTER);
    assert_eq!(shown(&world).await["wifi"]["$metadata"]["$lastUpdateTime"], BEFORE);
}

#[tokio::test]
async fn a_component_is_patched_through_its_twin() {
    let world = world().await;
    patch(&world, &json!([{"op": "replace", "path": "/wifi/router", "value": "r2"}])).await.unwrap();
    let twin = shown(&world).await;
    assert_eq!(twin["wifi"]["router"], "r2");
    assert_eq!(twin["wifi"]["$metadata"]["$lastUpdateTime"], AFTER);
    assert_eq!(twin["$metadata"]["$lastUpdateTime"], AFTER);
    patch(&world, &json!([{"op": "replace", "path": "/wifi", "value": {"$metadata": {}}}])).await.unwrap();
    assert!(shown(&world).await["wifi"].get("router").is_none());
    let error = patch(&world, &json!([{"op": "remove", "path": "/wifi"}])).await.unwrap_err();
    assert_eq!(error.code.name, "ValidationFailed");
}

#[tokio::test]
async fn the_inside_of_a_value_can_be_patched_once_it_is_there() {
    let world = world().await;
    let inner = json!([{"op": "replace", "path": "/place/floor", "value": 2}]);
    assert!(patch(&world, &inner).await.unwrap_err().message.starts_with("Could not resolve path /place/floor"));
    patch(&world, &json!([{"op": "add", "path": "/place", "value": {"floor": 1}}])).await.unwrap();
    patch(&world, &inner).await.unwrap();
    patch(&world, &json!([{"op": "add", "path": "/place/wing", "value": "north"}])).await.unwrap();
    assert_eq!(shown(&world).await["place"], json!({"floor": 2, "wing": "north"}));
    let error = patch(&world, &json!([{"op": "remove", "path": "/place/door"}])).await.unwrap_err();
    assert!(error.message.starts_with("The target location specified by path segment 'door' was not found"));
    let list = json!([
        {"op": "add", "path": "/list", "value": [1, 2]},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "add", "path": "/list/0", "value": 0},
        {"op": "replace", "path": "/list/1", "value": 9},
        {"op": "remove", "path": "/list/2"},
    ]);
    patch(&world, &list).await.unwrap();
    assert_eq!(shown(&world).await["list"], json!([0, 9, 3]));
    for path in ["/list/3", "/list/-", "/list/x"] {
        assert!(patch(&world, &json!([{"op": "replace", "path": path, "value": 1}])).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_patch_that_fails_anywhere_changes_nothing() {
    let world = world().await;
    let before = world.twin("r").unwrap();
    for (step, code, reason) in [
        (
            json!({"op": "move", "path": "/temperature", "value": 42}),
            "JsonPatchInvalid",
            "Unsupported operation type move",
        ),
        (
            json!({"op": "replace", "path": "/unit", "value": "x"}),
            "JsonPatchInvalid",
            "unit does not exist on component",
        ),
        (json!({"op": "remove", "path": "/unit"}), "JsonPatchInvalid", "unit does not exist on component"),
        (json!({"op": "remove", "path": "/none/x"}), "JsonPatchInvalid", "Could not resolve path /none/x"),
        (json!({"op": "replace", "path": "/$dtId", "value": "x"}), "JsonPatchInvalid", "/$dtId cannot be changed"),
        (json!({"op": "replace", "path": "/$etag", "value": "x"}), "JsonPatchInvalid", "/$etag cannot be changed"),
        (json!({"op": "remove", "path": "/$metadata"}), "JsonPatchInvalid", "/$metadata cannot be changed"),
        (json!({"op": "remove", "path": "/$metadata/$model"}), "JsonPatchInvalid", "$model cannot be removed"),
        (json!({"op": "add", "path": "/$metadata/$model", "value": 7}), "JsonPatchInvalid", "$model has to be"),
        (
            json!({"op": "replace", "path": "/wifi/$metadata/router/lastUpdateTime", "value": "x"}),
            "JsonPatchInvalid",
            "/wifi/$metadata",
        ),
        (json!({"op": "add", "path": "/wifi", "value": 7}), "JsonPatchInvalid", "wifi is a component"),
        (json!({"op": "add", "path": "/lowest", "value": 1}), "ValidationFailed", "Invalid twin specified"),
        (json!({"op": "add", "path": "/unit", "value": 1}), "ValidationFailed", "Invalid twin specified"),
    ] {
        let good = json!({"op": "replace", "path": "/temperature", "value": 99});
        let error = patch(&world, &json!([good, step])).await.unwrap_err();
        assert_eq!(error.code.name, code, "{step}: {}", error.message);
        assert!(error.message.starts_with(reason), "{step}: {}", error.message);
        assert_eq!(*world.twin("r").unwrap(), *before, "{step}");
    }
}

#[tokio::test]
async fn source_times_are_written_by_path() {
    let world = world().await;
    let time = json!("2026-11-21T00:00:00Z");
    patch(
        &world,
        &json!([
            {"op": "replace", "path": "/temperature", "value": 1},
            {"op": "replace", "path": "/$metadata/temperature/sourceTime", "value": time},
            {"op": "add", "path": "/wifi/$metadata/router/sourceTime", "value": time},
        ]),
    )
    .await
    .unwrap();
    let twin = shown(&world).await;
    assert_eq!(twin["$metadata"]["temperature"]["sourceTime"], time);
    assert_eq!(twin["wifi"]["$metadata"]["router"]["sourceTime"], time);
    patch(&world, &json!([{"op": "replace", "path": "/temperature", "value": 2}])).await.unwrap();
    assert_eq!(shown(&world).await["$metadata"]["temperature"]["sourceTime"], time);
    let remove = json!([{"op": "remove", "path": "/$metadata/temperature/sourceTime"}]);
    patch(&world, &remove).await.unwrap();
    assert!(patch(&world, &remove).await.is_err());
    let unset = json!([{"op": "add", "path": "/$metadata/unit/sourceTime", "value": time}]);
    assert_eq!(patch(&world, &unset).await.unwrap_err().code.name, "JsonPatchInvalid");
}

#[tokio::test]
async fn a_twin_moves_to_another_model_if_it_conforms_to_it() {
    let world = world().await;
    let change = json!({"op": "replace", "path": "/$metadata/$model", "value": HALL});
    assert_eq!(patch(&world, &json!([change])).await.unwrap_err().code.name, "ValidationFailed");
    let all = json!([change, {"op": "remove", "path": "/wifi"}, {"op": "add", "path": "/height", "value": 3}]);
    patch(&world, &all).await.unwrap();
    assert_eq!(shown(&world).await["$metadata"]["$model"], HALL);
    let decommission = r#"[{"op":"replace","path":"/decommissioned","value":true}]"#;
    world.call(&models::update::OPERATION, &[("id", ROOM)], decommission).await.unwrap();
    let back = json!([{"op": "replace", "path": "/$metadata/$model", "value": ROOM}]);
    assert_eq!(patch(&world, &back).await.unwrap_err().code.name, "ModelDecommissioned");
}

#[tokio::test]
async fn a_twin_without_a_model_can_be_read_and_moved_but_not_changed() {
    let world = world().await;
    world.call(&models::delete::OPERATION, &[("id", ROOM)], "").await.unwrap();
    assert_eq!(shown(&world).await["temperature"], 20);
    let change = json!([{"op": "replace", "path": "/temperature", "value": 1}]);
    assert_eq!(patch(&world, &change).await.unwrap_err().code.name, "ValidationFailed");
    let rescue =
        json!([{"op": "replace", "path": "/$metadata/$model", "value": HALL}, {"op": "remove", "path": "/wifi"}]);
    patch(&world, &rescue).await.unwrap();
}

#[tokio::test]
async fn only_the_current_tag_lets_a_patch_through() {
    let world = world().await;
    let body = json!([{"op": "replace", "path": "/temperature", "value": 42}]).to_string();
    let send = |tag: String| {
        let mut request = request_for(&[("id", "r")], &body);
        request.headers.insert("if-match", tag.parse().unwrap());
        world.answer("contoso-twins", &OPERATION, request)
    };
    let tag = world.twin("r").unwrap().entity_tag();
    let answer = send(tag.clone()).await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (204, Some(&*world.twin("r").unwrap().entity_tag())));
    assert_eq!(send(tag).await.unwrap_err().code.name, "PreconditionFailed");
    assert!(send("*".to_owned()).await.is_ok());
}

#[tokio::test]
async fn a_twin_cannot_grow_beyond_its_limit() {
    let world = world().await;
    let fill = |name: usize| json!([{"op": "add", "path": format!("/place/{name}"), "value": "x".repeat(4000)}]);
    patch(&world, &json!([{"op": "add", "path": "/place", "value": {}}])).await.unwrap();
    for name in 0..8 {
        patch(&world, &fill(name)).await.unwrap();
    }
    assert_eq!(patch(&world, &fill(8)).await.unwrap_err().code.name, "LimitExceeded");
}

#[tokio::test]
async fn a_twin_that_is_not_there_cannot_be_patched() {
    let world = World::new();
    let body = json!([{"op": "replace", "path": "/temperature", "value": 42}]);
    assert_eq!(patch(&world, &body).await.unwrap_err().code.name, "DigitalTwinNotFound");
}

#[tokio::test]
async fn a_twin_that_was_patched_as_deep_as_it_goes_can_be_read_back_from_the_disk() {
    let world = world().await;
    patch(&world, &json!([{"op": "add", "path": "/place", "value": {}}])).await.unwrap();
    let mut path = "/place".to_owned();
    while patch(&world, &json!([{"op": "add", "path": format!("{path}/d"), "value": {}}])).await.is_ok() {
        path.push_str("/d");
    }
    assert_eq!(path.matches("/d").count(), 31);
    let kept = serde_json::to_vec(&*world.twin("r").unwrap().value).unwrap();
    assert_eq!(serde_json::from_slice::<Twin>(&kept).unwrap(), *world.twin("r").unwrap());
}
