//! Lists the subscriptions in which the caller has any role.
//! Source: 2022-12-01. Any signed-in caller may ask; who has no role gets an empty list.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::{document, is_seen};
use crate::Arm;

/// `Subscriptions_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Subscriptions_List",
    method: Method::Get,
    path: "/subscriptions",
    versions: ApiVersions::AnyDate,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the subscriptions in which the caller has a role.",
};

/// Answers 200 with the subscriptions.
pub(crate) async fn run(arm: &Arm, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let all = arm.estate.subscriptions.all("");
    let seen = all.iter().filter(|(_, subscription)| is_seen(arm, &permit, subscription));
    let value: Vec<_> = seen.map(|(_, subscription)| document(arm, subscription)).collect();
    Ok(Answer::ok(&json!({"value": value, "count": {"type": "Total", "value": value.len()}})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn a_role_in_one_group_is_enough_to_see_the_subscription() {
        let world = World::new().await;
        assert_eq!(json(&world.get("/subscriptions").await.unwrap())["value"], json!([]));
        let assignment =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777");
        let body =
            json!({"properties": {"roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": CALLER}});
        world.put(&assignment, body).await.unwrap();
        let seen = json(&world.get("/subscriptions").await.unwrap());
        assert_eq!(seen["value"][0]["subscriptionId"], SUBSCRIPTION);
        assert_eq!(seen["value"][0]["tenantId"], world.arm.estate.tenant.id.as_str());
        assert_eq!(seen["count"]["value"], 1);
    }
}
