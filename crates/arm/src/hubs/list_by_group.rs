//! Lists the hubs of a resource group.
//! Source: 2023-06-30. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;

use crate::{Arm, listing};

/// `IotHubResource_ListByResourceGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_ListByResourceGroup",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Read" },
    support: Support::Served,
    summary: "Lists the hubs of a resource group.",
};

/// Answers 200 with the hubs, in the order of their names.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_group::<Hub>(arm, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn only_the_hubs_of_the_group_are_listed() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "bbb"), (GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.Devices/IotHubs/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let listed = json(&world.get(&format!("{GROUP}/providers/Microsoft.Devices/IotHubs")).await.unwrap());
        let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|hub| hub["name"].clone()).collect();
        assert_eq!(names, ["aaa", "bbb"]);
    }
}
