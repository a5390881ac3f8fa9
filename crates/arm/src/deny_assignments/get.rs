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
    use serde_json::json;

    use super::super::testing::{NAME, world};
    use crate::testing::{CALLER, GROUP, json};

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
