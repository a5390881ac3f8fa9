//! Lists the skus that a hub can change to.
//! Source: recorded answers of an S1 hub: S1 and S2 up to 200 units, S3 up to 10.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;
use serde_json::json;

use super::document::tier;
use super::find;
use crate::Arm;

/// `IotHubResource_GetValidSkus`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetValidSkus",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/skus"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/skus/Read" },
    support: Support::Served,
    summary: "Lists the skus that a hub can change to.",
};

/// Answers 200 with the skus of the hub's own tier.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let skus: &[(&str, u32)] = match tier(&hub.sku.name) {
        "Free" => &[("F1", 1)],
        "Basic" => &[("B1", 200), ("B2", 200), ("B3", 10)],
        _ => &[("S1", 200), ("S2", 200), ("S3", 10)],
    };
    let entry = |(name, most): &(&str, u32)| {
        json!({
            "resourceType": Hub::TYPE,
            "sku": {"name": name, "tier": tier(name)},
            "capacity": {"minimum": 1, "maximum": most, "default": 1, "scaleType": if *most == 1 { "None" } else { "Manual" }},
        })
    };
    let value: Vec<_> = skus.iter().map(entry).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_standard_hub_can_change_within_its_tier() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let skus = json(&world.get(&format!("{path}/skus")).await.unwrap());
        let names: Vec<_> = skus["value"].as_array().unwrap().iter().map(|sku| sku["sku"]["name"].clone()).collect();
        assert_eq!(names, ["S1", "S2", "S3"]);
        assert_eq!(skus["value"][2]["capacity"]["maximum"], 10);
    }
}
