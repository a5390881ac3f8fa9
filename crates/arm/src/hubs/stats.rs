//! Counts a hub's devices.
//! Source: `RegistryStatistics` of 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::Arm;

/// `IotHubResource_GetStats`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetStats",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/IotHubStats"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/iotHubStats/Read" },
    support: Support::Served,
    summary: "Counts a hub's devices.",
};

/// Answers 200 with the three counts.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    find(arm, &request)?;
    let counts = arm.surroundings.census.devices(&permit.resource_key());
    Ok(Answer::ok(&json!({
        "totalDeviceCount": counts.total,
        "enabledDeviceCount": counts.enabled,
        "disabledDeviceCount": counts.total.saturating_sub(counts.enabled),
    })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn what_is_not_enabled_is_disabled() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let counts = json(&world.get(&format!("{path}/IotHubStats")).await.unwrap());
        assert_eq!(counts, json!({"totalDeviceCount": 3, "enabledDeviceCount": 2, "disabledDeviceCount": 1}));
    }
}
