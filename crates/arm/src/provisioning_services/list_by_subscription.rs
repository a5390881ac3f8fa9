//! Lists the provisioning services of a subscription.
//! Source: 2022-12-12. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, Support};
use serde_json::json;

use super::document::document;
use crate::Arm;

/// `IotDpsResource_ListBySubscription`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_ListBySubscription",
    method: Method::Get,
    path: subscription_path!("/providers/Microsoft.Devices/provisioningServices"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Read" },
    support: Support::Served,
    summary: "Lists the provisioning services of a subscription.",
};

/// Answers 200 with the services, in the order of their names.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let scope = Scope::subscription(subscription);
    let services = arm.estate.provisioning_services.all("");
    let within = services.iter().filter(|(_, service)| scope.covers(&service.id));
    let value: Vec<_> = within.map(|(_, service)| document(arm, service)).collect();
    Ok(Answer::ok(&json!({"value": value})))
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
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices/provisioningServices");
        let listed = json(&world.get(&path).await.unwrap());
        let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|service| service["name"].clone()).collect();
        assert_eq!(names, ["aaa", "ccc"]);
    }
}
