//! Role definitions, built in and custom.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;

use iolite_access::{Permission, RoleDefinition};
use iolite_kernel::{Scope, ServiceError, iso_seven_digits};
use serde_json::{Value, json};

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
