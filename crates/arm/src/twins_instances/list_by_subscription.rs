//! Lists the Digital Twins instances of a subscription that the caller may read.
//! Source: 2023-01-31. All of them are in one page. Who has a role on one of them alone sees that one.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::TwinsInstance;

use crate::{Arm, listing};

/// `DigitalTwins_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_List",
    method: Method::Get,
    path: subscription_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances"),
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the Digital Twins instances of a subscription that the caller may read.",
};

/// Answers 200 with the instances, in the order of their names.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    listing::of_subscription::<TwinsInstance>(arm, &permit, &request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn the_instances_of_all_groups_are_listed_that_the_caller_may_read() {
        let world = World::new().await;
        let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "aaa"), (other.as_str(), "ccc")] {
            let path = format!("{group}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{name}");
            world.put(&path, json!({"location": "westeurope"})).await.unwrap();
        }
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DigitalTwins/digitalTwinsInstances");
        let names = async || {
            let listed = json(&world.get(&path).await.unwrap());
            listed["value"].as_array().unwrap().iter().map(|instance| instance["name"].clone()).collect::<Vec<_>>()
        };
        assert!(names().await.is_empty(), "who has no role sees none, and is not refused");
        world.make_reader(&format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/aaa")).await;
        assert_eq!(names().await, ["aaa"]);
        world.make_reader(&format!("/subscriptions/{SUBSCRIPTION}")).await;
        assert_eq!(names().await, ["aaa", "ccc"]);
    }
}
