//! `Module_SendModuleEvent`: telemetry of a module over HTTPS, as of a device.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::telemetry::https;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Module_SendModuleEvent",
    method: Method::Post,
    path: "/devices/{id}/modules/{mid}/messages/events",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: Some("mid") },
    support: Support::Served,
    summary: "Sends telemetry of a module.",
};

/// Keeps the messages: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    https::send(hub, &permit, &request).await
}

#[cfg(test)]
mod tests {
    use iolite_messaging::{HubEvent, SystemName};
    use iolite_store::streams::Position;
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};
    use crate::sessions::testing::permit;

    /// Without an Edge runtime a hub takes what a module says on its outputs, and has nothing for inputs: it is the
    /// runtime's own routes that feed those.
    #[tokio::test]
    async fn a_module_s_output_is_routed_by_its_name_and_stays_in_the_event() {
        let world = World::new();
        world
            .put_hub_properties(json!({"routing": {
                "endpoints": {"eventHubs": [{"name": "hot", "connectionString": "Endpoint=sb://localhost/;EntityPath=hot"}]},
                "routes": [{
                    "name": "alerts", "source": "DeviceMessages", "endpointNames": ["hot"], "isEnabled": true,
                    "condition": "$outputName = 'alerts' AND $connectionModuleId = 'mod1'",
                }],
                "fallbackRoute": {"source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": true},
            }}))
            .await;
        world.put_device("dev1", named("dev1")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        for output in ["alerts", "readings"] {
            let request =
                fixture::request(&[("id", "dev1"), ("mid", "mod1")], &[("iothub-outputname", output)], output);
            run(&world.hub, permit("dev1", Some("mod1")), request).await.unwrap();
        }
        for (stream, output) in [("entity-hot", "alerts"), (&*Hub::own_stream_name(World::KEY), "readings")] {
            let stream = world.hub.stream(stream, 4, 1).unwrap();
            let mut events = Vec::new();
            for partition in 0..4 {
                events.extend(stream.read(partition, Position::Earliest, 10, 1 << 20).await.unwrap());
            }
            let [event] = &events[..] else { panic!("one event in {}", stream.name()) };
            let event = HubEvent::decode(event.body.clone()).unwrap();
            assert_eq!(event.message.system(SystemName::OutputName), Some(output));
            assert_eq!(event.origin.unwrap().module_id.as_deref(), Some("mod1"));
        }
    }
}
