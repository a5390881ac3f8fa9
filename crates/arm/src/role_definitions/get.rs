//! Reads a role definition, as seen from a scope.
//! Source: 2022-04-01. `RoleDefinitions_GetById` has the same path.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document, unknown};
use crate::Arm;

/// `RoleDefinitions_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleDefinitions_Get",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleDefinitions/read" },
    support: Support::Served,
    summary: "Reads a role definition.",
};

/// Answers 200 with the role.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = request.param("roleDefinitionId");
    let role = arm.book.role(id).ok_or_else(|| unknown(id))?;
    Ok(Answer::ok(&document(&role, permit.resource())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn a_built_in_role_is_read_from_any_scope() {
        let world = World::new().await;
        let tail = "providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let below = json(&world.get(&format!("{GROUP}/{tail}")).await.unwrap());
        assert_eq!(below["id"], format!("/subscriptions/{}/{tail}", crate::testing::SUBSCRIPTION));
        assert_eq!(below["properties"]["roleName"], "Reader");
        assert_eq!(below["properties"]["permissions"][0]["actions"], json!(["*/read"]));
        let root = json(&world.get(&format!("/{tail}")).await.unwrap());
        assert_eq!(root["id"], format!("/{tail}"));
        let none = format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/none");
        assert_eq!(world.get(&none).await.unwrap_err().code.name, "RoleDefinitionDoesNotExist");
    }
}
