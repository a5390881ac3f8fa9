//! Tells how much of its quotas a hub has used.
//! Source: `IotHubQuotaMetricInfo` of 2023-06-30 and the quotas page. Messages are not metered here, so their count is 0.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::Arm;

/// `IotHubResource_GetQuotaMetrics`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetQuotaMetrics",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/quotaMetrics"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/quotaMetrics/Read" },
    support: Support::Served,
    summary: "Tells how much of its quotas a hub has used.",
};

/// Devices and modules that one hub may have.
const MOST_DEVICES: u64 = 1_000_000;

/// Answers 200 with messages a day and devices.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let messages_a_unit: u64 = match hub.sku.name.as_str() {
        "F1" => 8_000,
        "S2" | "B2" => 6_000_000,
        "S3" | "B3" => 300_000_000,
        _ => 400_000,
    };
    let devices = arm.surroundings.census.devices(&permit.resource_key()).total;
    Ok(Answer::ok(&json!({"value": [
        {"name": "TotalMessages", "currentValue": 0, "maxValue": messages_a_unit * u64::from(hub.sku.capacity)},
        {"name": "TotalDeviceCount", "currentValue": devices, "maxValue": if hub.sku.name == "F1" { 500 } else { MOST_DEVICES }},
    ]})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn quotas_grow_with_the_units() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1", "capacity": 3}})).await.unwrap();
        let metrics = json(&world.get(&format!("{path}/quotaMetrics")).await.unwrap());
        assert_eq!(metrics["value"][0]["maxValue"], 1_200_000);
        assert_eq!(metrics["value"][1]["currentValue"], 3);
    }
}
