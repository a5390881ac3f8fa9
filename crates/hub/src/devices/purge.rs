//! `CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue`: drops the messages that wait for a device.
//!
//! Source: IoT Hub data plane 2021-04-12. No message can be sent to a device yet, so no queue ever holds one, and what is
//! answered is true: none was dropped.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Serialize;

use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue",
    method: Method::Delete,
    path: "/devices/{id}/commands",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/cloudToDeviceMessages/queue/purge/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Drops the messages that wait for a device.",
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueuePurge<'a> {
    total_messages_purged: u32,
    device_id: &'a str,
    module_id: Option<&'a str>,
}

/// Answers how many messages were dropped: 200.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let device = hub.device(&permit.resource_key(), request.param("id"))?;
    Ok(Answer::ok(&QueuePurge { total_messages_purged: 0, device_id: &device.id, module_id: None }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn an_empty_queue_loses_nothing_and_an_unknown_one_is_refused() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let answer = world.call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap();
        assert_eq!(fixture::json(&answer), json!({"totalMessagesPurged": 0, "deviceId": "dev1", "moduleId": null}));
        assert!(world.call(OPERATION.name, &[("id", "dev2")], &[], None).await.is_err());
    }
}
