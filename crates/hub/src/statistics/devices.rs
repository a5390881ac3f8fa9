//! `Statistics_GetDeviceStatistics`: how many devices a hub has, enabled and disabled.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Serialize;

use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Statistics_GetDeviceStatistics",
    method: Method::Get,
    path: "/statistics/devices",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/statistics/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Counts a hub's devices.",
};

#[derive(Debug, Serialize)]
struct DeviceCounts {
    #[serde(rename = "totalDeviceCount")]
    total: u64,
    #[serde(rename = "enabledDeviceCount")]
    enabled: u64,
    #[serde(rename = "disabledDeviceCount")]
    disabled: u64,
}

/// Counts the devices: 200.
pub async fn run(hub: &Hub, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let (total, enabled) = hub.device_counts(&permit.resource_key());
    Ok(Answer::ok(&DeviceCounts { total, enabled, disabled: total - enabled }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn enabled_and_disabled_devices_are_counted() {
        let world = World::new();
        world.put_device("a", named("a")).await;
        world.put_device("b", json!({"deviceId": "b", "status": "disabled"})).await;
        world.put_device("c", named("c")).await;
        let answer = fixture::json(&world.call(OPERATION.name, &[], &[], None).await.unwrap());
        assert_eq!(answer, json!({"totalDeviceCount": 3, "enabledDeviceCount": 2, "disabledDeviceCount": 1}));
    }
}
