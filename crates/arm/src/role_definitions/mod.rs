//! Role definitions, built in and custom.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;

use iolite_access::{Permission, Permit, RoleDefinition};
use iolite_kernel::{Need, Scope, ServiceError, iso_seven_digits};
use serde_json::{Value, json};

use crate::Arm;
use crate::errors::ROLE_DEFINITION_DOES_NOT_EXIST;

/// A role as seen from `scope`.
///
/// Source: `RoleDefinition` of 2022-04-01 and answers of the service: below a subscription, ids begin with the
/// subscription; elsewhere with nothing.
pub(crate) fn document(role: &RoleDefinition, scope: &Scope) -> Value {
    json!({
        "id": full_id(&role.id, scope),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": if role.custom { "CustomRole" } else { "BuiltInRole" },
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": role.permissions.iter().map(permission).collect::<Vec<_>>(),
            "createdOn": role.created_at.map(iso_seven_digits),
            "updatedOn": role.changed_at.map(iso_seven_digits),
            "createdBy": null,
            "updatedBy": null,
        },
    })
}

/// A role's full id as seen from `scope`.
pub(crate) fn full_id(role_id: &str, scope: &Scope) -> String {
    let above = scope.subscription_id().map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    format!("{above}/providers/Microsoft.Authorization/roleDefinitions/{role_id}")
}

/// Refuses a caller who may not do the permit's action at each of these scopes of a role.
///
/// Source: the documentation of custom roles, "Who can create, delete, update, or view a custom role".
pub(crate) fn require_at_each(arm: &Arm, permit: &Permit, scopes: &[Scope]) -> Result<(), ServiceError> {
    let Need::Management { action } = permit.operation().need else { return Ok(()) };
    let beyond = |scope: &&Scope| !permit.resource().covers(scope);
    scopes.iter().filter(beyond).try_for_each(|scope| arm.require_linked(permit.caller(), action, scope))
}

/// One block of permissions.
pub(crate) fn permission(block: &Permission) -> Value {
    json!({
        "actions": block.actions,
        "notActions": block.not_actions,
        "dataActions": block.data_actions,
        "notDataActions": block.not_data_actions,
    })
}

/// The refusal of a role that is not there.
pub(crate) fn unknown(id: &str) -> ServiceError {
    ServiceError::new(
        &ROLE_DEFINITION_DOES_NOT_EXIST,
        format!("The specified role definition with ID '{id}' does not exist."),
    )
}
