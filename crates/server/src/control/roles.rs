//! Which roles grant an action, and which actions an operation needs.

use std::sync::Arc;

use iolite_access::RoleDefinition;
use iolite_kernel::{Need, Operation};
use serde_json::{Value, json};

use super::{Call, Control, Refused};

pub(super) fn list(control: &Control, call: &Call) -> Result<Value, Refused> {
    let access = &control.house.access;
    let known = access.operations();
    let (roles, operations): (Vec<Arc<RoleDefinition>>, Vec<&'static Operation>) =
        match (call.query("action"), call.query("operation")) {
            (Some(action), _) => {
                let operations: Vec<_> = known
                    .iter()
                    .filter(|operation| operation.need.actions().iter().any(|one| one.eq_ignore_ascii_case(action)))
                    .copied()
                    .collect();
                let data = operations.first().is_some_and(|operation| is_data(operation));
                if operations.is_empty() {
                    return Err(Refused::not_found(format!("no operation needs the action `{action}`")));
                }
                (access.roles_granting(action, data), operations)
            }
            (None, Some(name)) => {
                let operation = known.iter().find(|operation| operation.name.eq_ignore_ascii_case(name)).copied();
                let operation =
                    operation.ok_or_else(|| Refused::not_found(format!("there is no operation `{name}`")))?;
                (roles_for(control, operation), vec![operation])
            }
            (None, None) => (access.book().all(), known.to_vec()),
        };
    Ok(json!({
        "roles": roles.iter().map(|role| role_json(role)).collect::<Vec<_>>(),
        "operations": operations.into_iter().map(operation_json).collect::<Vec<_>>(),
    }))
}

fn roles_for(control: &Control, operation: &Operation) -> Vec<Arc<RoleDefinition>> {
    let (actions, data) = (operation.need.actions(), is_data(operation));
    let Some(first) = actions.first() else { return Vec::new() };
    let mut roles = control.house.access.roles_granting(first, data);
    roles.retain(|role| actions.iter().all(|action| role.allows(action, data)));
    roles
}

/// What an operation asks for that no role grants; nothing where roles decide.
pub(super) const fn without_a_role(need: &Need) -> Option<&'static str> {
    match need {
        Need::DataPlane { .. } | Need::Management { .. } => None,
        Need::Public { .. } => Some("it is open to anyone"),
        Need::SignedIn => Some("any principal with a token may, and sees what its roles let it see"),
        Need::OwnDevice { .. } => {
            Some("the device's own key or certificate, or a policy with DeviceConnect; never an Entra token")
        }
        Need::OwnRegistration => Some("the registering device's own key or certificate; never an Entra token"),
    }
}

const fn is_data(operation: &Operation) -> bool {
    matches!(operation.need, Need::DataPlane { .. })
}

fn role_json(role: &RoleDefinition) -> Value {
    json!({
        "name": role.name,
        "id": role.id,
        "custom": role.custom,
        "description": role.description,
        "permissions": role.permissions,
        "assignableScopes": role.assignable_scopes,
    })
}

fn operation_json(operation: &'static Operation) -> Value {
    json!({
        "name": operation.name,
        "service": operation.service,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
        "plane": if is_data(operation) { "data" } else { "control" },
        "actions": operation.need.actions(),
        "rights": operation.need.rights(),
        "withoutRole": without_a_role(&operation.need),
        "served": operation.support == iolite_kernel::Support::Served,
    })
}
