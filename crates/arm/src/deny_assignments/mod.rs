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

#[cfg(test)]
mod testing {
    use iolite_access::{DenyAssignment, Permission};
    use iolite_kernel::{Scope, ServiceError};

    use crate::testing::{CALLER, GROUP, World};

    pub(super) const NAME: &str = "77777777-7777-7777-7777-777777777777";

    /// A world with one, which keeps everybody but the caller from deleting in the resource group.
    pub(super) async fn world() -> World {
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
}
