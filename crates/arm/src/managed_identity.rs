//! The `identity` block of a resource: read, made true in the directory, and written.
//!
//! A system-assigned identity is a principal that comes with the block and goes with it or with the resource, inside the
//! same transaction. User-assigned ones are principals of their own, which the world file makes; a block may name them.

use std::collections::BTreeMap;

use iolite_identity::Caller;
use iolite_kernel::{ResourceId, ServiceError};
use iolite_resources::{Estate, ManagedIdentityKind, Principal, PrincipalKind, ResourceIdentity};
use iolite_store::Transaction;
use serde_json::{Map, Value, json};

use crate::Arm;
use crate::errors::FAILED_IDENTITY_OPERATION;
use crate::fields::Fields;

/// What the caller must be allowed at a user-assigned identity to give it to a resource (documented for the role Managed
/// Identity Operator).
const ASSIGN: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

/// An `identity` block as a body has it.
#[derive(Debug, Clone)]
pub(crate) struct IdentityChange {
    system: bool,
    user: bool,
    /// The user-assigned identities that the block names; `false` for those it names to be rid of.
    named: Option<BTreeMap<String, bool>>,
}

/// Reads the `identity` block; `None` where the body does not speak of it, and then it stays as it is.
pub(crate) fn read(body: &mut Fields) -> Result<Option<IdentityChange>, ServiceError> {
    let Some(mut block) = body.fields("identity")? else { return Ok(None) };
    let kind = block.text("type")?.unwrap_or_else(|| "None".to_owned());
    let (mut system, mut user) = (false, false);
    for word in kind.split(',').map(str::trim) {
        match word.to_ascii_lowercase().as_str() {
            "systemassigned" => system = true,
            "userassigned" => user = true,
            "none" => {}
            _ => return Err(refuse(format!("'{kind}' is not a type of identity."))),
        }
    }
    let named = block
        .fields("userAssignedIdentities")?
        .map(|map| map.rest().into_iter().map(|(id, value)| (id, !value.is_null())).collect());
    Ok(Some(IdentityChange { system, user, named }))
}

/// Makes the block true: the identity that `owner` has from now on. `replace` tells a PUT, whose list of user-assigned
/// identities is the whole list, from a PATCH, which adds and takes away. `caller` needs the right to assign each identity
/// that comes new: whoever may write a resource could act as any identity otherwise.
pub(crate) fn apply(
    arm: &Arm,
    caller: &Caller,
    transaction: &mut Transaction<'_>,
    owner: &ResourceId,
    standing: Option<&ResourceIdentity>,
    change: Option<&IdentityChange>,
    replace: bool,
) -> Result<Option<ResourceIdentity>, ServiceError> {
    let Some(change) = change else { return Ok(standing.cloned()) };
    let before = standing.and_then(|identity| identity.system_assigned.clone());
    let user_assigned = if change.user {
        user_assigned(arm, caller, standing.map_or(&[][..], |identity| &identity.user_assigned), change, replace)?
    } else {
        Vec::new()
    };
    let system_assigned = match (change.system, before) {
        (true, Some(object_id)) => Some(object_id),
        (true, None) => Some(create(arm, transaction, owner)),
        (false, Some(object_id)) => {
            transaction.delete(&arm.estate.principals, &object_id.to_ascii_lowercase());
            None
        }
        (false, None) => None,
    };
    let nothing = system_assigned.is_none() && user_assigned.is_empty();
    Ok((!nothing).then_some(ResourceIdentity { system_assigned, user_assigned }))
}

/// Removes what goes with the resource: its system-assigned principal.
pub(crate) fn remove(arm: &Arm, transaction: &mut Transaction<'_>, identity: Option<&ResourceIdentity>) {
    if let Some(object_id) = identity.and_then(|identity| identity.system_assigned.as_ref()) {
        transaction.delete(&arm.estate.principals, &object_id.to_ascii_lowercase());
    }
}

/// The block as answers have it. `separator` stands between the two types where a resource has both: the providers
/// differ in a space.
pub(crate) fn document(estate: &Estate, identity: Option<&ResourceIdentity>, separator: &str) -> Value {
    let Some(identity) = identity else { return json!({"type": "None"}) };
    let mut types = Vec::new();
    let mut block = Map::new();
    if let Some(object_id) = &identity.system_assigned {
        types.push("SystemAssigned");
        block.insert("principalId".to_owned(), json!(object_id));
        block.insert("tenantId".to_owned(), json!(estate.tenant.id));
    }
    if !identity.user_assigned.is_empty() {
        types.push("UserAssigned");
        let entry = |id: &ResourceId| {
            let principal = user_assigned_principal(estate, id);
            let ids = principal.map_or_else(
                || json!({}),
                |found| json!({"principalId": found.object_id, "clientId": found.client_id()}),
            );
            (id.to_string(), ids)
        };
        let map: Map<String, Value> = identity.user_assigned.iter().map(entry).collect();
        block.insert("userAssignedIdentities".to_owned(), Value::Object(map));
    }
    block.insert("type".to_owned(), json!(types.join(separator)));
    Value::Object(block)
}

fn create(arm: &Arm, transaction: &mut Transaction<'_>, owner: &ResourceId) -> String {
    let object_id = arm.ground.uuid().to_string();
    let principal = Principal {
        object_id: object_id.clone(),
        name: owner.name().to_owned(),
        enabled: true,
        kind: PrincipalKind::ManagedIdentity {
            client_id: arm.ground.uuid().to_string(),
            owner: ManagedIdentityKind::SystemAssigned(owner.clone()),
        },
    };
    transaction.put(&arm.estate.principals, &object_id, principal);
    object_id
}

fn user_assigned(
    arm: &Arm,
    caller: &Caller,
    standing: &[ResourceId],
    change: &IdentityChange,
    replace: bool,
) -> Result<Vec<ResourceId>, ServiceError> {
    let mut list = match &change.named {
        Some(_) if replace => Vec::new(),
        _ => standing.to_vec(),
    };
    for (text, wanted) in change.named.iter().flatten() {
        let id = ResourceId::parse(text).map_err(|_| refuse(format!("'{text}' is not a resource id.")))?;
        list.retain(|known| known != &id);
        if !wanted {
            continue;
        }
        if user_assigned_principal(&arm.estate, &id).is_none() {
            return Err(refuse(format!("There is no user-assigned identity '{id}'.")));
        }
        if !standing.contains(&id) {
            arm.require_linked(caller, ASSIGN, &id)?;
        }
        list.push(id);
    }
    if list.is_empty() {
        return Err(refuse("The type UserAssigned needs at least one entry in userAssignedIdentities."));
    }
    Ok(list)
}

fn user_assigned_principal(estate: &Estate, id: &ResourceId) -> Option<iolite_store::Versioned<Principal>> {
    estate.principals.all("").into_iter().map(|(_, found)| found).find(|found| {
        matches!(&found.kind, PrincipalKind::ManagedIdentity { owner: ManagedIdentityKind::UserAssigned(resource), .. } if resource == id)
    })
}

fn refuse(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&FAILED_IDENTITY_OPERATION, text)
}
