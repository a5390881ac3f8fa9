//! Lists the Digital Twins instances of a resource group.
//! Source: 2023-01-31. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::TwinsInstance;

use crate::{Arm, listing};

/// `DigitalTwins_ListByResourceGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_ListByResourceGroup",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/digitalTwinsInstances/read" },
    support: Support::Served,
    summary: "Lists the Digital Twins instances of a resource group.",
};

/// Answers 200 with the instances, in the order of their names.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_group::<TwinsInstance>(arm, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_instances_are_listed() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{name}");
            world.put(&path, json!({"location": "westeurope"})).await.unwrap();
        }
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances");
        let listed = json(&world.get(&path).await.unwrap());
        let names: Vec<_> =
            listed["value"].as_array().unwrap().iter().map(|instance| instance["name"].clone()).collect();
        assert_eq!(names, ["aaa"]);
    }
}
