//! Configurations on their way to twins, over a store in memory, with the runner beside the test.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{self, World, named};

fn runner(world: &World) -> Runner {
    Runner(tokio::spawn(world.hub.clone().run_configurations()))
}

struct Runner(JoinHandle<()>);

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn put(world: &World, id: &str, body: Value) {
    let mut body = body;
    body["id"] = json!(id);
    let exists = world.hub.configurations.get(&format!("{}/{id}", World::KEY)).is_some();
    let headers = [("if-match", if exists { "*" } else { "" })];
    world.call("Configuration_CreateOrUpdate", &[("id", id)], &headers, body).await.unwrap();
}

fn devices(condition: &str, priority: i32, desired: Value) -> Value {
    json!({"targetCondition": condition, "priority": priority, "content": {"deviceContent": {"properties.desired": desired}}})
}

async fn tag(world: &World, id: &str, tags: Value) {
    world.call("Devices_UpdateTwin", &[("id", id)], &[], json!({ "tags": tags })).await.unwrap();
}

async fn module_twin(world: &World, device: &str, module: &str) -> Value {
    let params = [("id", device), ("mid", module)];
    match world.call("Modules_GetTwin", &params, &[], None).await {
        Ok(answer) => fixture::json(&answer),
        Err(_) => Value::Null,
    }
}

/// Waits until `found` holds; a roll-out that does not come to it fails the test instead of hanging it.
async fn until<F: Future<Output = bool>>(world: &World, found: impl Fn() -> F) {
    let mut changes = world.hub.store.watch();
    let waiting = async {
        while !found().await {
            changes.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the roll-out did not come to it");
}

async fn until_device(world: &World, id: &str, expected: Value) {
    until(world, || async {
        let twin = world.twin(id).await;
        twin.get("configurations").unwrap_or(&Value::Null) == &expected
    })
    .await;
}

#[tokio::test]
async fn what_a_configuration_sets_comes_to_the_twin_as_it_was_recorded() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    let _runner = runner(&world);
    let body = json!({"targetCondition": "*", "priority": 5,
        "content": {"deviceContent": {"properties.desired.deviceContent_key": "value"}}});
    put(&world, "c1", body).await;
    until_device(&world, "a", json!({"c1": {"status": "Applied"}})).await;
    let twin = world.twin("a").await;
    let (at, digest) = ("2026-01-02T03:04:05.678Z", "639029198456780000");
    let expected = json!({"deviceContent_key": "value", "$version": 2, "$metadata": {
        "$lastUpdated": at, "$lastUpdatedVersion": 2, "deviceContent_key": {
            "$lastUpdated": at, "$lastUpdatedVersion": 2, "$lastUpdatedBy": "c1", "$lastUpdatedByDigest": digest}}});
    assert_eq!(twin["properties"]["desired"], expected);
    assert_eq!((&twin["version"], &twin["etag"]), (&json!(3), &json!("AAAAAAAAAAI=")));
}

#[tokio::test]
async fn the_highest_priority_wins_and_of_equal_ones_the_latest() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    put(&world, "low", devices("*", 1, json!({"by": "low"}))).await;
    world.advance(1);
    put(&world, "first", devices("*", 7, json!({"by": "first"}))).await;
    world.advance(1);
    put(&world, "latest", devices("*", 7, json!({"by": "latest"}))).await;
    let _runner = runner(&world);
    let statuses = |applied: &str| {
        let status = |id: &str| json!({"status": if id == applied { "Applied" } else { "Targeted" }});
        json!({"low": status("low"), "first": status("first"), "latest": status("latest")})
    };
    until_device(&world, "a", statuses("latest")).await;
    assert_eq!(world.twin("a").await["properties"]["desired"]["by"], "latest");
    put(&world, "low", devices("*", 9, json!({"by": "low"}))).await;
    until_device(&world, "a", statuses("low")).await;
    assert_eq!(world.twin("a").await["properties"]["desired"]["by"], "low");
}

#[tokio::test]
async fn a_device_comes_and_goes_with_its_tags() {
    let world = World::new();
    let _runner = runner(&world);
    put(&world, "c1", devices("tags.floor = 2", 1, json!({"light": "on"}))).await;
    for id in ["a", "b"] {
        world.put_device(id, named(id)).await;
    }
    tag(&world, "b", json!({"floor": 2})).await;
    until_device(&world, "b", json!({"c1": {"status": "Applied"}})).await;
    assert!(world.twin("a").await.get("configurations").is_none());
    tag(&world, "b", json!({"floor": 3})).await;
    until_device(&world, "b", Value::Null).await;
    assert_eq!(world.twin("b").await["properties"]["desired"]["light"], "on", "what was set stays");
}

#[tokio::test]
async fn a_removed_configuration_leaves_the_next_one() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    put(&world, "c1", devices("*", 1, json!({"by": "c1"}))).await;
    put(&world, "c2", devices("*", 2, json!({"by": "c2"}))).await;
    let _runner = runner(&world);
    until_device(&world, "a", json!({"c1": {"status": "Targeted"}, "c2": {"status": "Applied"}})).await;
    world.call("Configuration_Delete", &[("id", "c2")], &[("if-match", "*")], None).await.unwrap();
    until_device(&world, "a", json!({"c1": {"status": "Applied"}})).await;
    assert_eq!(world.twin("a").await["properties"]["desired"]["by"], "c1");
    world.call("Configuration_Delete", &[("id", "c1")], &[("if-match", "*")], None).await.unwrap();
    until_device(&world, "a", Value::Null).await;
}

#[tokio::test]
async fn what_somebody_else_overwrites_is_set_again_and_nothing_is_written_twice() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    let _runner = runner(&world);
    put(&world, "c1", devices("*", 1, json!({"light": "on"}))).await;
    until_device(&world, "a", json!({"c1": {"status": "Applied"}})).await;
    let patch = json!({"properties": {"desired": {"light": "off"}}});
    world.call("Devices_UpdateTwin", &[("id", "a")], &[], patch).await.unwrap();
    until(&world, || async { world.twin("a").await["properties"]["desired"]["light"] == "on" }).await;
    let settled = world.twin("a").await["version"].clone();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!((&world.twin("a").await["version"], settled), (&json!(5), json!(5)));
}

#[tokio::test]
async fn modules_are_targeted_one_by_one() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    for module in ["m1", "m2"] {
        world.put_module("a", module, json!({"deviceId": "a", "moduleId": module})).await;
    }
    let _runner = runner(&world);
    let body = json!({"targetCondition": "from devices.modules where moduleId = 'm1'", "priority": 1,
        "content": {"moduleContent": {"properties.desired.speed": 3}}});
    put(&world, "c1", body).await;
    until(&world, || async { module_twin(&world, "a", "m1").await["properties"]["desired"]["speed"] == 3 }).await;
    assert_eq!(module_twin(&world, "a", "m1").await["configurations"], json!({"c1": {"status": "Applied"}}));
    assert!(module_twin(&world, "a", "m2").await.get("configurations").is_none());
}

#[tokio::test]
async fn a_deployment_reaches_an_edge_device_with_its_layers() {
    let world = World::new();
    world.put_device("edge", json!({"deviceId": "edge", "capabilities": {"iotEdge": true}})).await;
    world.put_device("plain", named("plain")).await;
    let deployment = |priority: i32, content: Value| json!({"targetCondition": "*", "priority": priority, "content": {"modulesContent": content}});
    let base = json!({"$edgeAgent": {"properties.desired": {"modules": {}}}, "$edgeHub": {"properties.desired": {"routes": {}}},
        "sensor": {"properties.desired": {"interval": 5, "unit": "C"}}});
    put(
        &world,
        "layer",
        deployment(
            9,
            json!({"$edgeAgent": {"properties.desired.modules.filter": {"type": "docker"}},
        "sensor": {"properties.desired.interval": 1}}),
        ),
    )
    .await;
    let _runner = runner(&world);
    until(&world, || async {
        module_twin(&world, "edge", "$edgeAgent").await["configurations"] == json!({"layer": {"status": "Targeted"}})
    })
    .await;
    assert_eq!(module_twin(&world, "edge", "sensor").await, Value::Null, "a layer without a base waits");
    put(&world, "base", deployment(5, base)).await;
    put(&world, "under", deployment(1, json!({"$edgeAgent": {"properties.desired": {"modules": {"x": 1}}}}))).await;
    let expected =
        json!({"base": {"status": "Applied"}, "layer": {"status": "Applied"}, "under": {"status": "Targeted"}});
    until(&world, || async { module_twin(&world, "edge", "$edgeAgent").await["configurations"] == expected }).await;
    let agent = module_twin(&world, "edge", "$edgeAgent").await;
    assert_eq!(agent["properties"]["desired"]["modules"], json!({"filter": {"type": "docker"}}));
    let sensor = module_twin(&world, "edge", "sensor").await;
    assert_eq!(
        (&sensor["properties"]["desired"]["interval"], &sensor["properties"]["desired"]["unit"]),
        (&json!(1), &json!("C"))
    );
    assert_eq!(sensor["configurations"], json!({"base": {"status": "Applied"}, "layer": {"status": "Applied"}}));
    world.advance(31);
    let read = fixture::json(&world.call("Configuration_Get", &[("id", "base")], &[], None).await.unwrap());
    let results =
        json!({"targetedCount": 1, "appliedCount": 1, "reportedSuccessfulCount": 0, "reportedFailedCount": 0});
    assert_eq!(read["systemMetrics"]["results"], results);
}

#[tokio::test]
async fn a_fleet_of_several_pieces_is_reached_whole_and_other_hubs_are_not() {
    let world = World::new();
    for number in 0..300 {
        let id = format!("d{number:03}");
        world.put_device(&id, named(&id)).await;
    }
    world.put_hub("Contoso-Hub-2", json!({})).await;
    let other = world.hub.change("contoso-hub-2", |registry| {
        let first = crate::registry::FirstTwin::empty(crate::twin::Birth::Device);
        registry.create_device("d000", &crate::registry::DeviceSpec::default(), &first)
    });
    other.await.unwrap();
    let _runner = runner(&world);
    put(&world, "c1", devices("*", 1, json!({"x": 1}))).await;
    until_device(&world, "d299", json!({"c1": {"status": "Applied"}})).await;
    world.advance(31);
    let read = fixture::json(&world.call("Configuration_Get", &[("id", "c1")], &[], None).await.unwrap());
    assert_eq!(read["systemMetrics"]["results"], json!({"targetedCount": 300, "appliedCount": 300}));
    assert!(world.hub.twins.get("contoso-hub-2/d000").unwrap().configurations.is_empty());
}

#[tokio::test]
async fn what_a_twin_cannot_hold_is_targeted_and_not_applied() {
    let world = World::new();
    world.put_device("a", named("a")).await;
    let many = |count: usize| {
        (0..count).map(|n| (format!("k{n}"), json!("x".repeat(4000)))).collect::<serde_json::Map<_, _>>()
    };
    let patch = json!({"properties": {"desired": {"own": many(5)}}});
    world.call("Devices_UpdateTwin", &[("id", "a")], &[], patch).await.unwrap();
    let _runner = runner(&world);
    let content: serde_json::Map<String, Value> =
        many(5).into_iter().map(|(key, value)| (format!("properties.desired.{key}"), value)).collect();
    put(&world, "c1", json!({"targetCondition": "*", "content": {"deviceContent": content}})).await;
    until_device(&world, "a", json!({"c1": {"status": "Targeted"}})).await;
    assert!(world.twin("a").await["properties"]["desired"].get("k0").is_none());
}
