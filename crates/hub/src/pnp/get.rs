//! `DigitalTwin_GetDigitalTwin`: a device's digital twin.
//!
//! Source: IoT Hub data plane 2021-04-12, and concepts-digital-twin (2023). The etag is the device twin's.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::pnp::view;
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "DigitalTwin_GetDigitalTwin",
    method: Method::Get,
    path: "/digitaltwins/{id}",
    versions: versions::WITH_TWINS_AND_FEEDBACK,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/read"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Reads a device's digital twin.",
};

/// Answers the digital twin: 200, or 404 where there is no such device.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, id) = (permit.resource_key(), request.param("id"));
    hub.device(&key, id)?;
    let twin = hub.twins.get(&ids::device_key(&key, id)).ok_or_else(|| errors::device_not_found(id))?;
    Ok(Answer::ok(&view::digital_twin(id, &twin)).with_header("etag", format!("\"{}\"", twin.etag())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, header, named};

    async fn read(world: &World) -> Value {
        fixture::json(&world.call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap())
    }

    /// Makes the device's twin as a device would that announced its model and reported.
    async fn report(world: &World, reported: Value) {
        let key = ids::device_key(World::KEY, "dev1");
        let patch = reported.as_object().unwrap().clone();
        world
            .hub
            .change(World::KEY, |registry| {
                let twin = registry.twin(&key).unwrap();
                let mut twin = twin.reported_by_device(&patch, fixture::now())?;
                twin.model_id = Some("dtmi:com:example:TemperatureController;1".into());
                registry.put_twin(&key, twin);
                Ok(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn properties_and_components_are_answered_as_documented() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let desired = json!({"properties": {"desired": {"thermostat1": {"__t": "c", "targetTemperature": 21.4}, "wanted": true}}});
        world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], desired).await.unwrap();
        report(
            &world,
            json!({
                "serialNumber": "alwinexlepaho8329",
                "thermostat1": {"__t": "c", "maxTempSinceLastReboot": 25.3,
                    "targetTemperature": {"value": 20.4, "ac": 200, "av": 4, "ad": "done"}},
            }),
        )
        .await;
        let at = "2026-01-02T03:04:05.678Z";
        let expected = json!({
            "$dtId": "dev1",
            "serialNumber": "alwinexlepaho8329",
            "thermostat1": {
                "maxTempSinceLastReboot": 25.3, "targetTemperature": 20.4,
                "$metadata": {
                    "targetTemperature": {"desiredValue": 21.4, "desiredVersion": 2, "ackVersion": 4, "ackCode": 200,
                        "ackDescription": "done", "lastUpdateTime": at},
                    "maxTempSinceLastReboot": {"lastUpdateTime": at},
                },
            },
            "$metadata": {"$model": "dtmi:com:example:TemperatureController;1", "serialNumber": {"lastUpdateTime": at},
                "wanted": {"desiredValue": true, "desiredVersion": 2}},
        });
        assert_eq!(read(&world).await, expected);
    }

    #[tokio::test]
    async fn a_device_that_announced_no_model_has_an_empty_digital_twin() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let answer = world.call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap();
        assert_eq!(header(&answer, "etag"), Some("\"AAAAAAAAAAE=\""));
        assert_eq!(fixture::json(&answer), json!({"$dtId": "dev1", "$metadata": {"$model": ""}}));
        let unknown = world.call(OPERATION.name, &[("id", "dev2")], &[], None).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
    }

    #[tokio::test]
    async fn an_object_is_an_acknowledgement_only_with_its_code_and_version() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        report(&world, json!({"p": {"value": 1, "ac": 200}, "q": {"value": 1, "ac": 200, "av": 1, "more": 1}})).await;
        let twin = read(&world).await;
        assert_eq!(twin["p"], json!({"value": 1, "ac": 200}));
        assert_eq!(twin["q"]["more"], 1);
    }
}
