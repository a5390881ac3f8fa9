//! Lists the provisioning services of a subscription that the caller may read.
//! Source: 2022-12-12. All of them are in one page. Who has a role on one of them alone sees that one.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::ProvisioningService;

use crate::{Arm, listing};

/// `IotDpsResource_ListBySubscription`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_ListBySubscription",
    method: Method::Get,
    path: subscription_path!("/providers/Microsoft.Devices/provisioningServices"),
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the provisioning services of a subscription that the caller may read.",
};

/// Answers 200 with the services, in the order of their names.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_subscription::<ProvisioningService>(arm, &permit, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_services_of_all_groups_are_listed_that_the_caller_may_read() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.Devices/provisioningServices/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/provisioningServices");
        let names = async || {
            let listed = json(&world.get(&path).await.unwrap());
            listed["value"].as_array().unwrap().iter().map(|service| service["name"].clone()).collect::<Vec<_>>()
        };
        assert!(names().await.is_empty(), "who has no role sees none, and is not refused");
        world.make_reader(&format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/aaa")).await;
        assert_eq!(names().await, ["aaa"]);
        world.make_reader(&format!("/subscriptions/{SUBSCRIPTION}")).await;
        assert_eq!(names().await, ["aaa", "ccc"]);
    }
}
