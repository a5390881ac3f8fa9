//! `CloudToDeviceMessages_PurgeCloudToDeviceMessageQueue`: drops the messages that wait for a device.
//!
//! Source: IoT Hub data plane 2021-04-12. Senders who asked for it hear that their messages were purged.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Serialize;

use crate::{Hub, ids, versions};

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
    total_messages_purged: usize,
    device_id: &'a str,
    module_id: Option<&'a str>,
}

/// Answers how many messages were dropped: 200.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = permit.resource_key();
    let device = hub.device(&key, request.param("id"))?;
    let total_messages_purged = hub.purge(&ids::device_key(&key, &device.id)).await?;
    Ok(Answer::ok(&QueuePurge { total_messages_purged, device_id: &device.id, module_id: None }))
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
