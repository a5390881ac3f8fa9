//! `Statistics_GetServiceStatistics`: how many devices are connected.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Serialize;

use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Statistics_GetServiceStatistics",
    method: Method::Get,
    path: "/statistics/service",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/statistics/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Counts the devices that are connected.",
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceCounts {
    connected_device_count: usize,
}

/// Counts the connections: 200.
pub async fn run(hub: &Hub, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&ServiceCounts { connected_device_count: hub.connected_devices(&permit.resource_key()) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn a_registered_device_is_not_a_connected_one() {
        let world = World::new();
        world.put_device("a", named("a")).await;
        let answer = fixture::json(&world.call(OPERATION.name, &[], &[], None).await.unwrap());
        assert_eq!(answer, json!({"connectedDeviceCount": 0}));
    }
}
