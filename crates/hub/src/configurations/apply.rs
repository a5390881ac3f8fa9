//! `Configuration_ApplyOnEdgeDevice`: puts a configuration's content on one Edge device, once.
//!
//! Source: IoT Hub data plane 2021-04-12; iot-edge "deploy a single device". 204; nothing of it is kept as a configuration.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde_json::{Map, Value};

use crate::configurations::content::Content;
use crate::{Hub, body, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_ApplyOnEdgeDevice",
    method: Method::Post,
    path: "/devices/{id}/applyConfigurationContent",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/applyToEdgeDevice/action"],
        rights: &[Right::RegistryWrite, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Applies a configuration's content to one Edge device.",
};

/// Applies the content: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let sent: Map<String, Value> = body::object(&request)?;
    body::refuse_long_integers(&request)?;
    let content = Content::of_device(&sent)?;
    let id = request.param("id");
    hub.change(&permit.resource_key(), |registry| {
        let device = registry.device(id)?;
        if !device.iot_edge {
            return Err(errors::invalid(format!("The device '{id}' is not an Edge device.")));
        }
        content.apply(registry, id)
    })
    .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    async fn world() -> World {
        let world = World::new();
        world.put_device("edge", json!({"deviceId": "edge", "capabilities": {"iotEdge": true}})).await;
        world
    }

    async fn module_twin(world: &World, module: &str) -> Value {
        let params = [("id", "edge"), ("mid", module)];
        fixture::json(&world.call("Modules_GetTwin", &params, &[], None).await.unwrap())
    }

    #[tokio::test]
    async fn modules_get_their_desired_properties_and_are_made_where_they_are_missing() {
        let world = world().await;
        let body = json!({"modulesContent": {
            "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "runtime": {"type": "docker"}}},
            "sensor": {"properties.desired": {"interval": 5}, "properties.desired.unit.name": "C"},
        }});
        let answer = world.call(OPERATION.name, &[("id", "edge")], &[], body).await.unwrap();
        assert_eq!(answer, Answer::no_content());
        let agent = module_twin(&world, "$edgeAgent").await;
        assert_eq!(agent["properties"]["desired"]["runtime"]["type"], "docker");
        let sensor = module_twin(&world, "sensor").await;
        let desired = &sensor["properties"]["desired"];
        assert_eq!((&desired["interval"], &desired["unit"]["name"]), (&json!(5), &json!("C")));
        let listed = world.call("Modules_GetModulesOnDevice", &[("id", "edge")], &[], None).await.unwrap();
        assert_eq!(fixture::json(&listed).as_array().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_part_that_cannot_be_applied_leaves_all_as_it_was() {
        let world = world().await;
        let before = module_twin(&world, "$edgeAgent").await;
        for content in [
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"a": 1}}, "b c": {"properties.desired": {}}}}),
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"a": 1}}, "m": {"tags": {}}}}),
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"a.b": 1}}}}),
            json!({"modulesContent": {"$edgeAgent": 1}}),
            json!({"deviceContent": {format!("properties.desired{}", ".a".repeat(200_000)): 1}}),
            json!({}),
        ] {
            let error = world.call(OPERATION.name, &[("id", "edge")], &[], content.clone()).await.unwrap_err();
            assert_eq!(error.code.status, 400, "{content}");
        }
        assert_eq!(module_twin(&world, "$edgeAgent").await, before);
    }

    #[tokio::test]
    async fn only_edge_devices_take_content() {
        let world = world().await;
        world.put_device("plain", named("plain")).await;
        let body = json!({"deviceContent": {"properties.desired.x": 1}});
        let plain = world.call(OPERATION.name, &[("id", "plain")], &[], body.clone()).await.unwrap_err();
        assert_eq!(plain.code, &errors::ARGUMENT_INVALID);
        let unknown = world.call(OPERATION.name, &[("id", "nobody")], &[], body.clone()).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
        world.call(OPERATION.name, &[("id", "edge")], &[], body).await.unwrap();
        assert_eq!(world.twin("edge").await["properties"]["desired"]["x"], 1);
    }
}
