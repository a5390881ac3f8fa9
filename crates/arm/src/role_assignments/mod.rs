//! Role assignments: who has which role where.
//!
//! The operations by id (`RoleAssignments_GetById` and its like) have the same paths as those by scope and name, and so
//! are served by them; the listings for a subscription, resource group or resource are that for any scope.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
pub(crate) mod refused;

use iolite_access::RoleAssignment;
use iolite_kernel::{Scope, ServiceError, iso_seven_digits};
use iolite_store::{Table, Versioned};
use serde_json::{Value, json};

use crate::errors::ROLE_ASSIGNMENT_NOT_FOUND;
use crate::role_definitions::full_id;

/// An assignment as answers have it.
///
/// Source: `RoleAssignment` of 2022-04-01 and answers of the service.
pub(crate) fn document(assignment: &RoleAssignment) -> Value {
    let created_at = iso_seven_digits(assignment.created_at);
    json!({
        "id": assignment.id(),
        "name": assignment.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": full_id(&assignment.role_id, &assignment.scope),
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "description": assignment.description,
            "condition": null,
            "conditionVersion": null,
            "delegatedManagedIdentityResourceId": null,
            "createdOn": created_at,
            "updatedOn": created_at,
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
        },
    })
}

/// The assignment of this name at this scope.
pub(crate) fn find(
    assignments: &Table<RoleAssignment>,
    scope: &Scope,
    name: &str,
) -> Option<Versioned<RoleAssignment>> {
    named(assignments, name).filter(|assignment| assignment.scope == *scope)
}

/// The assignment of this name, wherever it is; a name is a GUID and used once.
pub(crate) fn named(assignments: &Table<RoleAssignment>, name: &str) -> Option<Versioned<RoleAssignment>> {
    let mut all = assignments.all("").into_iter().map(|(_, assignment)| assignment);
    all.find(|assignment| assignment.name.eq_ignore_ascii_case(name))
}

/// The refusal of an assignment that is not there.
pub(crate) fn unknown(name: &str) -> ServiceError {
    ServiceError::new(&ROLE_ASSIGNMENT_NOT_FOUND, format!("The role assignment '{name}' is not found."))
}
