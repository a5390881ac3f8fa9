//! Lists the hubs of a subscription that the caller may read.
//! Source: 2023-06-30. All of them are in one page. Who has a role on one of them alone sees that one.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;

use crate::{Arm, listing};

/// `IotHubResource_ListBySubscription`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_ListBySubscription",
    method: Method::Get,
    path: subscription_path!("/providers/Microsoft.Devices/IotHubs"),
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the hubs of a subscription that the caller may read.",
};

/// Answers 200 with the hubs, in the order of their names.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_subscription::<Hub>(arm, &permit, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_hubs_of_all_groups_are_listed_that_the_caller_may_read() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.Devices/IotHubs/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/IotHubs");
        let names = async || {
            let listed = json(&world.get(&path).await.unwrap());
            listed["value"].as_array().unwrap().iter().map(|hub| hub["name"].clone()).collect::<Vec<_>>()
        };
        assert!(names().await.is_empty(), "who has no role sees none, and is not refused");
        world.make_reader(&format!("{GROUP}/providers/Microsoft.Devices/IotHubs/aaa")).await;
        assert_eq!(names().await, ["aaa"]);
        world.make_reader(&format!("/subscriptions/{SUBSCRIPTION}")).await;
        assert_eq!(names().await, ["aaa", "ccc"]);
        let unknown = "/subscriptions/00000000-0000-0000-0000-000000000009/providers/Microsoft.Devices/IotHubs";
        assert_eq!(world.get(unknown).await.unwrap_err().code.name, "SubscriptionNotFound");
    }
}
