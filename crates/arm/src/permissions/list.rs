//! Lists what the caller may do at a scope: the permissions of every role that reaches it there.
//! Source: `Permissions_ListForResourceGroup` and `Permissions_ListForResource` of 2022-04-01; the same path serves both.

use iolite_access::Permit;
use iolite_identity::Caller;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::Arm;
use crate::role_definitions::permission;

/// `Permissions_ListForResource`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Permissions_ListForResource",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/permissions",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/permissions/read" },
    support: Support::Served,
    summary: "Lists what the caller may do at a scope.",
};

/// Answers 200 with one block a role's permission block.
pub(crate) async fn run(arm: &Arm, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let scopes = arm.estate.scopes_above(permit.resource());
    let now = arm.ground.now();
    let assignments = match permit.caller() {
        Caller::Principal(principal) => arm.assignments_of(principal),
        _ => Vec::new(),
    };
    let roles = assignments
        .iter()
        .filter(|assignment| scopes.contains(&assignment.scope) && assignment.is_in_effect(now))
        .filter_map(|assignment| arm.book.role(&assignment.role_id));
    let value: Vec<_> = roles.flat_map(|role| role.permissions.iter().map(permission).collect::<Vec<_>>()).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World, json};

    #[tokio::test]
    async fn only_roles_that_reach_the_scope_count() {
        let world = World::new().await;
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let path =
            format!("{hub}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777");
        let body = json!({"properties": {"roleDefinitionId": reader, "principalId": CALLER}});
        world.put(&path, body).await.unwrap();
        let at = async |scope: &str| {
            json(&world.get(&format!("{scope}/providers/Microsoft.Authorization/permissions")).await.unwrap())["value"]
                .clone()
        };
        assert_eq!(at(&hub).await[0]["actions"], json!(["*/read"]));
        assert_eq!(at(GROUP).await, json!([]));
    }
}
