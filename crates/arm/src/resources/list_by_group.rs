//! Lists the resources of a resource group.
//! Source: 2022-09-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::list;
use crate::Arm;

/// `Resources_ListByResourceGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Resources_ListByResourceGroup",
    method: Method::Get,
    path: group_path!("/resources"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/resources/read" },
    support: Support::Served,
    summary: "Lists the resources of a resource group.",
};

/// Answers 200 with the resources.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let group = arm.group(&request)?;
    Ok(Answer::ok(&list(arm, &permit, &request, &group.id)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World, json};

    #[tokio::test]
    async fn only_resources_of_the_group_are_listed() {
        let world = World::new().await;
        let assignment = "/providers/Microsoft.Management/managementGroups/top/providers/Microsoft.Authorization/\
                          roleAssignments/77777777-7777-7777-7777-777777777777";
        let body =
            json!({"properties": {"roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": CALLER}});
        world.put(assignment, body).await.unwrap();
        let other = GROUP.replace("contoso", "other");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        for (group, name) in [(GROUP, "hub1"), (other.as_str(), "hub2")] {
            let path = format!("{group}/providers/Microsoft.Devices/IotHubs/{name}");
            world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        }
        let listed = json(&world.get(&format!("{other}/resources")).await.unwrap());
        assert_eq!(listed["value"].as_array().unwrap().len(), 1);
        assert_eq!(listed["value"][0]["type"], "Microsoft.Devices/IotHubs");
    }
}
