//! Reads a deny assignment.
//! Source: 2022-04-01. `DenyAssignments_GetById` has the same path.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document;
use crate::Arm;
use crate::errors::DENY_ASSIGNMENT_NOT_FOUND;

/// `DenyAssignments_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DenyAssignments_Get",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/denyAssignments/{denyAssignmentId}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/denyAssignments/read" },
    support: Support::Served,
    summary: "Reads a deny assignment.",
};

/// Answers 200 with the deny assignment.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let name = request.param("denyAssignmentId");
    let found = arm.book.denies.get(&name.to_ascii_lowercase()).filter(|deny| deny.scope == *permit.resource());
    match found {
        Some(deny) => Ok(Answer::ok(&document(&deny))),
        None => {
            Err(ServiceError::new(&DENY_ASSIGNMENT_NOT_FOUND, format!("The deny assignment '{name}' is not found.")))
        }
    }
}

#[cfg(test)]
mod tests {
    use iolite_access::{DenyAssignment, Permission};
    use iolite_kernel::{Scope, ServiceError};
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World, json};

    const NAME: &str = "77777777-7777-7777-7777-777777777777";

    async fn world() -> World {
        let world = World::new().await;
        let denies = &world.arm.book.denies;
        let made = world.arm.estate.store.transact(|transaction| {
            let deny = DenyAssignment {
                name: NAME.to_owned(),
                display_name: "no deleting".to_owned(),
                description: String::new(),
                scope: Scope::parse(GROUP).unwrap(),
                does_not_apply_to_child_scopes: false,
                permissions: vec![Permission { actions: vec!["*/delete".to_owned()], ..Permission::default() }],
                principals: vec!["00000000-0000-0000-0000-000000000000".to_owned()],
                excluded_principals: vec![CALLER.to_owned()],
            };
            transaction.put(denies, NAME, deny);
            Ok::<(), ServiceError>(())
        });
        made.await.unwrap();
        world
    }

    #[tokio::test]
    async fn a_deny_assignment_tells_whom_it_binds_and_whom_it_spares() {
        let world = world().await;
        let path = format!("{GROUP}/providers/Microsoft.Authorization/denyAssignments/{NAME}");
        let found = json(&world.get(&path).await.unwrap());
        assert_eq!(found["properties"]["principals"][0]["type"], "SystemDefined");
        assert_eq!(found["properties"]["excludePrincipals"][0]["id"], CALLER);
        assert_eq!(found["properties"]["permissions"][0]["actions"], json!(["*/delete"]));
        assert_eq!(world.get(&path.replace(NAME, "none")).await.unwrap_err().code.status, 404);
    }
}
