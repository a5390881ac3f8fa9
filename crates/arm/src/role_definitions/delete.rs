//! Deletes a custom role that is no longer assigned.
//! Source: 2022-04-01: 200 with the role, or 204 where there was none. The caller needs the same action at every scope that
//! the role can be assigned at.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, require_at_each};
use crate::Arm;
use crate::errors::{BUILT_IN_ROLE_IS_FIXED, ROLE_DEFINITION_HAS_ASSIGNMENTS};

/// `RoleDefinitions_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleDefinitions_Delete",
    method: Method::Delete,
    path: "/{*scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleDefinitions/delete" },
    support: Support::Served,
    summary: "Deletes a custom role.",
};

/// Answers 200 with the role that was, or 204.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = request.param("roleDefinitionId").to_ascii_lowercase();
    let deleted = arm.estate.store.transact(|transaction| {
        if arm.book.built_in().iter().any(|role| role.id.eq_ignore_ascii_case(&key)) {
            return Err(ServiceError::new(
                &BUILT_IN_ROLE_IS_FIXED,
                format!("The role '{key}' is built in and cannot be deleted."),
            ));
        }
        let assignments = transaction.all(&arm.book.assignments, "");
        if assignments.iter().any(|(_, assignment)| assignment.role_id.eq_ignore_ascii_case(&key)) {
            return Err(ServiceError::new(
                &ROLE_DEFINITION_HAS_ASSIGNMENTS,
                "There are role assignments that name the role.",
            ));
        }
        let role = transaction.get(&arm.book.custom, &key);
        if let Some(role) = &role {
            require_at_each(arm, &permit, &role.assignable_scopes)?;
        }
        transaction.delete(&arm.book.custom, &key);
        Ok(role)
    });
    match deleted.await? {
        Some(role) => Ok(Answer::ok(&document(&role, permit.resource()))),
        None => Ok(Answer::no_content()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World};

    #[tokio::test]
    async fn a_role_goes_when_nobody_has_it() {
        let world = World::new().await;
        let id = "77777777-7777-7777-7777-777777777777";
        let path = format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{id}");
        let properties =
            json!({"roleName": "r", "assignableScopes": [GROUP], "permissions": [{"actions": ["*/read"]}]});
        world.put(&path, json!({"properties": properties})).await.unwrap();
        let assignment = format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/{id}");
        let properties = json!({"roleDefinitionId": path, "principalId": CALLER});
        world.put(&assignment, json!({"properties": properties})).await.unwrap();
        assert_eq!(world.delete(&path).await.unwrap_err().code.name, "RoleDefinitionHasAssignments");
        world.delete(&assignment).await.unwrap();
        assert_eq!(world.delete(&path).await.unwrap().status, 200);
        assert_eq!(world.delete(&path).await.unwrap().status, 204);
        let owner = path.replace(id, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
        assert_eq!(world.delete(&owner).await.unwrap_err().code.status, 403);
    }
}
