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

/// How many devices are looked at between two chances for others.
const PIECE: usize = 2048;

#[derive(Debug, Default, Serialize)]
struct DeviceCounts {
    #[serde(rename = "totalDeviceCount")]
    total: usize,
    #[serde(rename = "enabledDeviceCount")]
    enabled: usize,
    #[serde(rename = "disabledDeviceCount")]
    disabled: usize,
}

/// Counts the devices: 200.
pub async fn run(hub: &Hub, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let prefix = format!("{}/", permit.resource_key());
    let mut counts = DeviceCounts::default();
    let mut after = None;
    loop {
        let piece = hub.devices.page(&prefix, after.as_deref(), PIECE);
        counts.total += piece.len();
        counts.enabled += piece.iter().filter(|(_, device)| device.enabled).count();
        let Some((last, _)) = piece.last().filter(|_| piece.len() == PIECE) else { break };
        after = Some(last.clone());
        tokio::task::yield_now().await;
    }
    counts.disabled = counts.total - counts.enabled;
    Ok(Answer::ok(&counts))
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
