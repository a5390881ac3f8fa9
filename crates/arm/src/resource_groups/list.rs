//! Lists the resource groups of a subscription that the caller may read.
//! Source: 2022-09-01. Who has a role in one group only sees that one, as in Azure.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document;
use crate::Arm;
use crate::arm::group_key;

/// `ResourceGroups_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_List",
    method: Method::Get,
    path: subscription_path!("/resourcegroups"),
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the resource groups that the caller may read.",
};

/// The action that each listed group is judged by.
const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

/// Answers 200 with the groups. All of them are in one page.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let groups = arm.estate.resource_groups.all(&group_key(subscription, ""));
    let seen = groups.iter().filter(|(_, group)| arm.may(permit.caller(), READ, &group.id));
    let value: Vec<_> = seen.map(|(_, group)| document(group)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn a_caller_sees_the_groups_of_its_roles() {
        let world = World::new().await;
        world.put(&GROUP.replace("contoso", "other"), json!({"location": "westeurope"})).await.unwrap();
        let list = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
        assert_eq!(json(&world.get(&list).await.unwrap())["value"], json!([]));
        let assignment =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777");
        let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let body = json!({"properties": {"roleDefinitionId": reader, "principalId": CALLER}});
        world.put(&assignment, body).await.unwrap();
        let seen = json(&world.get(&list).await.unwrap())["value"].clone();
        assert_eq!((seen.as_array().unwrap().len(), &seen[0]["name"]), (1, &json!("contoso")));
    }
}
