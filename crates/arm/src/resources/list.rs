//! Lists the resources of a subscription that the caller may read.
//! Source: 2022-09-01; `az resource list`. Who has a role in one group only sees what is in that one, as in Azure.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, Support};

use super::list;
use crate::Arm;

/// `Resources_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Resources_List",
    method: Method::Get,
    path: subscription_path!("/resources"),
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the resources that the caller may read.",
};

/// Answers 200 with the resources.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    Ok(Answer::ok(&list(arm, &permit, &request, &Scope::subscription(subscription))?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn resources_of_all_kinds_are_listed_and_filtered() {
        let world = World::new().await;
        let sku = json!({"location": "westeurope", "sku": {"name": "S1"}});
        for path in [
            format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1"),
            format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1"),
            format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1"),
        ] {
            world.put(&path, sku.clone()).await.unwrap();
        }
        let names = async |query: &str| {
            let listed = json(&world.get(&format!("/subscriptions/{SUBSCRIPTION}/resources{query}")).await.unwrap());
            listed["value"].as_array().unwrap().iter().map(|found| found["name"].clone()).collect::<Vec<_>>()
        };
        assert!(names("").await.is_empty(), "who has no role sees nothing");
        let assignment =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777");
        let body =
            json!({"properties": {"roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": CALLER}});
        world.put(&assignment, body).await.unwrap();
        assert_eq!(names("").await, ["hub1", "dps1", "twins1"]);
        assert_eq!(names("?$filter=resourceType%20eq%20'microsoft.devices/iothubs'").await, ["hub1"]);
        assert_eq!(names("?$filter=name%20eq%20'dps1'%20and%20resourceGroup%20eq%20'contoso'").await, ["dps1"]);
        assert_eq!(names("?$top=2").await.len(), 2);
        let odd = format!("/subscriptions/{SUBSCRIPTION}/resources?$filter=tagName%20eq%20'a'");
        assert_eq!(world.get(&odd).await.unwrap_err().code.name, "UnsupportedQuery");
    }
}
