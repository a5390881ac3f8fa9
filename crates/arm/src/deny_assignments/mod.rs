//! Deny assignments, which Azure makes itself and a world file can; here they are read.

pub(crate) mod get;
pub(crate) mod list;

use iolite_access::DenyAssignment;
use serde_json::{Value, json};

use crate::role_definitions::permission;

/// A deny assignment as answers have it.
///
/// Source: `DenyAssignment` of 2022-04-01. Everyone is the nil GUID, of the type `SystemDefined`.
pub(crate) fn document(deny: &DenyAssignment) -> Value {
    let scope = deny.scope.as_str().trim_end_matches('/');
    let principals = |ids: &[String]| {
        ids.iter()
            .map(|id| {
                let everyone = id.bytes().all(|byte| byte == b'0' || byte == b'-');
                json!({"id": id, "type": if everyone { "SystemDefined" } else { "ServicePrincipal" }})
            })
            .collect::<Vec<_>>()
    };
    json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/denyAssignments/{}", deny.name),
        "name": deny.name,
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": deny.display_name,
            "description": deny.description,
            "permissions": deny.permissions.iter().map(permission).collect::<Vec<_>>(),
            "scope": deny.scope,
            "doNotApplyToChildScopes": deny.does_not_apply_to_child_scopes,
            "principals": principals(&deny.principals),
            "excludePrincipals": principals(&deny.excluded_principals),
            "isSystemProtected": true,
        },
    })
}
