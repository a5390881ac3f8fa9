//! Reads a role assignment.
//! Source: 2022-04-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, find, unknown};
use crate::Arm;

/// `RoleAssignments_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleAssignments_Get",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleAssignments/read" },
    support: Support::Served,
    summary: "Reads a role assignment.",
};

/// Answers 200 with the assignment.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let name = request.param("roleAssignmentName");
    let found = find(&arm.book.assignments, permit.resource(), name).ok_or_else(|| unknown(name))?;
    Ok(Answer::ok(&document(&found)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World, json};

    #[tokio::test]
    async fn an_assignment_is_read_at_its_own_scope_only() {
        let world = World::new().await;
        let tail = "providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777";
        let role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let properties = json!({"roleDefinitionId": role, "principalId": CALLER, "description": "for tests"});
        let made = world.put(&format!("{GROUP}/{tail}"), json!({"properties": properties})).await.unwrap();
        let found =
            world.get(&format!("{GROUP}/{tail}").to_uppercase().replace("/PROVIDERS", "/providers")).await.unwrap();
        assert_eq!(json(&found), json(&made));
        let above = format!("/subscriptions/{}/{tail}", crate::testing::SUBSCRIPTION);
        assert_eq!(world.get(&above).await.unwrap_err().code.name, "RoleAssignmentNotFound");
    }
}
