//! What Azure can do with role assignments and the emulator cannot, with the reason that its caller reads.

use iolite_kernel::{Method, Operation};

use crate::table::refused_operation;

/// Every one of them.
pub(crate) const REFUSED: &[&Operation] = &[&ROLE_ASSIGNMENTS_VALIDATE];

const ROLE_ASSIGNMENTS_VALIDATE: Operation = refused_operation(
    "RoleAssignments_Validate",
    Method::Post,
    "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}/validate",
    "Microsoft.Authorization/roleAssignments/write",
    "Validation alone, a preview of 2020, is not emulated: make the assignment, or ask `iolite check`.",
    "Tells whether a role assignment could be made.",
);
