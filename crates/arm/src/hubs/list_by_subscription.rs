//! Lists the hubs of a subscription.
//! Source: 2023-06-30. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, Support};
use serde_json::json;

use super::document::document;
use crate::Arm;

/// `IotHubResource_ListBySubscription`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_ListBySubscription",
    method: Method::Get,
    path: subscription_path!("/providers/Microsoft.Devices/IotHubs"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Read" },
    support: Support::Served,
    summary: "Lists the hubs of a subscription.",
};

/// Answers 200 with the hubs, in the order of their names.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let scope = Scope::subscription(subscription);
    let hubs = arm.estate.hubs.all("");
    let within = hubs.iter().filter(|(_, hub)| scope.covers(&hub.id));
    let value: Vec<_> = within.map(|(_, hub)| document(arm, hub)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_hubs_of_all_groups_are_listed() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.Devices/IotHubs/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/IotHubs");
        assert_eq!(json(&world.get(&path).await.unwrap())["value"].as_array().unwrap().len(), 2);
        let unknown = "/subscriptions/00000000-0000-0000-0000-000000000009/providers/Microsoft.Devices/IotHubs";
        assert_eq!(world.get(unknown).await.unwrap_err().code.name, "SubscriptionNotFound");
    }
}
