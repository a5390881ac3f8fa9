//! Tests of events through the whole hub: what its streams hold after something happened.

use iolite_kernel::Scope;
use iolite_resources::Hub as HubRecord;
use iolite_store::streams::Position;
use serde_json::{Value, json};

use super::*;
use crate::fixture::World;
use crate::routing::fixture;
use crate::sessions::testing::connect;

/// A world whose hub has this routing.
async fn world(routing: Value) -> World {
    let world = World::new();
    let mut record = fixture::hub(routing);
    record.id = Scope::resource("s", "contoso", HubRecord::TYPE, "Contoso-Hub");
    let kept = world.hub.store.transact(|transaction| {
        transaction.put(&world.hub.hubs, World::KEY, record.clone());
        Ok::<(), ServiceError>(())
    });
    kept.await.unwrap();
    world
}

fn routing() -> Value {
    let route = |name: &str, source: &str, condition: &str, endpoint: &str| json!({"name": name, "source": source, "condition": condition, "endpointNames": [endpoint], "isEnabled": true});
    json!({
        "endpoints": {"eventHubs": [{"name": "hot", "connectionString": "Endpoint=sb://localhost/;EntityPath=hot"}]},
        "routes": [
            route("twin", "TwinChangeEvents", "true", "events"),
            route("life", "DeviceLifecycleEvents", "true", "events"),
            route("state", "DeviceConnectionStateEvents", "true", "events"),
            route("digital", "DigitalTwinChangeEvents", "true", "events"),
            route("hot", "DeviceMessages", "$twin.tags.floor = '2'", "hot"),
        ],
        "fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true},
    })
}

/// The events of a stream, whatever their partition.
async fn events(hub: &Hub, name: &str) -> Vec<HubEvent> {
    let stream = hub.stream(name, 4, 1).unwrap();
    let mut found = Vec::new();
    for partition in 0..4 {
        let batch = stream.read(partition, Position::Earliest, 1000, 1 << 20).await.unwrap();
        found.extend(batch.into_iter().map(|event| HubEvent::decode(event.body).unwrap()));
    }
    found
}

fn body(event: &HubEvent) -> Value {
    serde_json::from_slice(&event.message.body).unwrap()
}

#[tokio::test]
async fn identities_twins_and_connections_are_told_of_where_a_route_wants_them() {
    let world = world(routing()).await;
    world.put_device("d1", json!({"deviceId": "d1"})).await;
    let patch = json!({"tags": {"floor": "2"}, "properties": {"desired": {"a": 1}}});
    world.call("Devices_UpdateTwin", &[("id", "d1")], &[], patch).await.unwrap();
    world.hub.tell_connection("contoso-hub/d1", true);
    let told = events(&world.hub, &Hub::own_stream_name(World::KEY)).await;
    let kinds: Vec<(&str, &str)> =
        told.iter().map(|event| (&*event.source, event.message.property("opType").unwrap())).collect();
    let expected = [
        ("deviceLifecycleEvents", "createDeviceIdentity"),
        ("twinChangeEvents", "updateTwin"),
        ("deviceConnectionStateEvents", "deviceConnected"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(body(&told[0])["deviceId"], "d1");
    let update = body(&told[1]);
    assert_eq!((&update["tags"], &update["properties"]["desired"]["a"]), (&json!({"floor": "2"}), &json!(1)));
    assert_eq!(update["properties"].get("reported"), None);
    assert!(update["properties"]["desired"]["$metadata"]["a"]["$lastUpdated"].is_string());
    assert!(body(&told[2])["sequenceNumber"].is_string());
}

#[tokio::test]
async fn a_takeover_is_told_as_one_that_went_and_one_that_came() {
    let world = world(routing()).await;
    world.put_device("d1", json!({"deviceId": "d1"})).await;
    let first = connect(&world, "d1").await;
    let second = connect(&world, "d1").await;
    drop(first);
    let told = async || {
        let events = events(&world.hub, &Hub::own_stream_name(World::KEY)).await;
        let of_connections = events.iter().filter(|event| &*event.source == "deviceConnectionStateEvents");
        let kind = |event: &HubEvent| event.message.property("opType").unwrap().to_owned();
        of_connections.map(kind).collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["deviceConnected", "deviceDisconnected", "deviceConnected"]);
    drop(second);
    assert_eq!(told().await.last().unwrap(), "deviceDisconnected");
    assert_eq!(told().await.len(), 4);
}

#[tokio::test]
async fn what_a_device_unsets_is_told_though_it_never_was_set() {
    let world = world(routing()).await;
    world.put_device("d1", json!({"deviceId": "d1"})).await;
    world.hub.report("contoso-hub/d1", br#"{"never":null,"set":{"a":1,"b":null}}"#).await.unwrap();
    let told = events(&world.hub, &Hub::own_stream_name(World::KEY)).await;
    let mut reported = body(&told[1])["properties"]["reported"].take();
    let metadata = reported["$metadata"].take();
    assert_eq!(reported, json!({"never": null, "set": {"a": 1, "b": null}, "$metadata": null, "$version": 2}));
    assert_eq!(metadata.get("never"), None);
    assert!(metadata["set"]["a"]["$lastUpdated"].is_string());
}

#[tokio::test]
async fn a_digital_twin_s_change_is_told_of_devices_that_announced_a_model_whoever_made_it() {
    let world = world(routing()).await;
    for id in ["d1", "d2"] {
        world.put_device(id, json!({"deviceId": id})).await;
    }
    let announced = world.hub.change(World::KEY, |registry| {
        let mut twin = Twin::clone(&registry.twin("contoso-hub/d1").unwrap());
        twin.model_id = Some("dtmi:com:example:Thermostat;1".into());
        registry.put_twin("contoso-hub/d1", twin);
        Ok(())
    });
    announced.await.unwrap();
    for id in ["d1", "d2"] {
        let wanted = json!([{"op": "add", "path": "/targetTemperature", "value": 21}]);
        world.call("DigitalTwin_UpdateDigitalTwin", &[("id", id)], &[], wanted).await.unwrap();
        world.call("Devices_UpdateTwin", &[("id", id)], &[], json!({"tags": {"floor": "1"}})).await.unwrap();
        world.hub.report(&format!("contoso-hub/{id}"), br#"{"speed":1}"#).await.unwrap();
    }
    let told = events(&world.hub, &Hub::own_stream_name(World::KEY)).await;
    let told: Vec<&HubEvent> = told.iter().filter(|event| &*event.source == "digitalTwinChangeEvents").collect();
    let expected = [
        json!([{"op": "add", "path": "/$metadata/$model", "value": "dtmi:com:example:Thermostat;1"}]),
        json!([{"op": "add", "path": "/$metadata/targetTemperature", "value": {"desiredValue": 21, "desiredVersion": 2}}]),
        json!([
            {"op": "add", "path": "/$metadata/speed", "value": {"lastUpdateTime": "2026-01-02T03:04:05.678Z"}},
            {"op": "add", "path": "/speed", "value": 1},
        ]),
    ];
    assert_eq!(told.iter().map(|event| body(event)).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|event| event.message.property("deviceId") == Some("d1")));
}

#[tokio::test]
async fn without_a_route_for_them_the_hub_s_own_events_are_not_kept() {
    let world = world(json!({})).await;
    world.put_device("d1", json!({"deviceId": "d1"})).await;
    world.hub.tell_connection("contoso-hub/d1", true);
    assert!(events(&world.hub, &Hub::own_stream_name(World::KEY)).await.is_empty());
}

#[tokio::test]
async fn telemetry_follows_the_twin_to_another_entity() {
    let world = world(routing()).await;
    for (id, floor) in [("d1", "1"), ("d2", "2")] {
        world.put_device(id, json!({"deviceId": id})).await;
        world.call("Devices_UpdateTwin", &[("id", id)], &[], json!({"tags": {"floor": floor}})).await.unwrap();
        let origin = fixture::origin(id);
        let message = iolite_messaging::Message::of(id);
        let event = Routable {
            source: Source::DeviceMessages,
            message: &message,
            origin: Some(&origin),
            at: world.hub.ground.now(),
            partition: 0,
        };
        match world.hub.deliver(World::KEY, &event) {
            Deliveries::BuiltIn => assert_eq!(id, "d1"),
            Deliveries::Routed(deliveries) => {
                world.hub.keep(World::KEY, &event, deliveries).unwrap().wait().await.unwrap();
            }
        }
    }
    let kept = events(&world.hub, "entity-hot").await;
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].message.body[..], &*kept[0].source), (&b"d2"[..], "Telemetry"));
}

#[tokio::test]
async fn an_endpoint_s_entity_is_read_under_its_own_name_and_key() {
    let mut routing = routing();
    let endpoint = "Endpoint=sb://localhost/;SharedAccessKeyName=mine;SharedAccessKey=a2V5;EntityPath=hot";
    routing["endpoints"]["eventHubs"][0]["connectionString"] = json!(endpoint);
    let world = world(routing).await;
    let grouped = world.hub.store.transact(|transaction| {
        let mut record = HubRecord::clone(&world.hub.hubs.get(World::KEY).unwrap());
        record.events.consumer_groups.insert("Dashboards".to_owned(), world.hub.ground.now());
        transaction.put(&world.hub.hubs, World::KEY, record);
        Ok::<(), ServiceError>(())
    });
    grouped.await.unwrap();
    let entity = world.hub.event_entity("HOT").unwrap().unwrap();
    assert!(entity.has_group("$default") && entity.has_group("dashboards") && !entity.has_group("others"));
    let policy = entity.own_policy.unwrap();
    assert_eq!((entity.path.as_str(), policy.key_name.as_str(), policy.primary_key.reveal()), ("hot", "mine", "a2V5"));
    assert!(policy.rights.contains(iolite_kernel::Right::ServiceConnect));
    assert!(world.hub.event_entity("cold").unwrap().is_none());
    assert!(world.hub.event_entity("contoso-hub").unwrap().unwrap().own_policy.is_none());
}
