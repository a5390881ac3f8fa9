//! Takes a role away again.
//! Source: 2022-04-01: 200 with the assignment that was, or 204 where there was none.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, find};
use crate::Arm;

/// `RoleAssignments_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleAssignments_Delete",
    method: Method::Delete,
    path: "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleAssignments/delete" },
    support: Support::Served,
    summary: "Takes a role away from a principal.",
};

/// Answers 200 with the assignment that was, or 204.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let name = request.param("roleAssignmentName");
    let deleted = arm.estate.store.transact(|transaction| {
        let found = find(&arm.book.assignments, permit.resource(), name);
        if let Some(assignment) = &found {
            transaction.delete(&arm.book.assignments, &assignment.key());
        }
        Ok::<_, ServiceError>(found)
    });
    match deleted.await? {
        Some(assignment) => Ok(Answer::ok(&document(&assignment))),
        None => Ok(Answer::no_content()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, SUBSCRIPTION, World};

    #[tokio::test]
    async fn a_role_is_taken_away_at_its_scope_only() {
        let world = World::new().await;
        let tail = "providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777";
        let role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let body = json!({"properties": {"roleDefinitionId": role, "principalId": CALLER}});
        world.put(&format!("{GROUP}/{tail}"), body).await.unwrap();
        assert_eq!(world.delete(&format!("/subscriptions/{SUBSCRIPTION}/{tail}")).await.unwrap().status, 204);
        assert_eq!(world.delete(&format!("{GROUP}/{tail}")).await.unwrap().status, 200);
        assert_eq!(world.arm.book.assignments.count(""), 0);
        assert_eq!(world.delete(&format!("{GROUP}/{tail}")).await.unwrap().status, 204);
    }
}
