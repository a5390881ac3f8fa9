//! Lists the provisioning services of a resource group.
//! Source: 2022-12-12. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::ProvisioningService;

use crate::{Arm, listing};

/// `IotDpsResource_ListByResourceGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_ListByResourceGroup",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Read" },
    support: Support::Served,
    summary: "Lists the provisioning services of a resource group.",
};

/// Answers 200 with the services, in the order of their names.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_group::<ProvisioningService>(arm, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_services_are_listed() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.Devices/provisioningServices/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices");
        let listed = json(&world.get(&path).await.unwrap());
        let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|service| service["name"].clone()).collect();
        assert_eq!(names, ["aaa"]);
    }
}
