//! Gives a role to a principal at a scope.
//! Source: 2022-04-01; errors as the service names them. The world can delay the effect, as Azure's own caches do: the
//! assignment says from when it holds.

use std::sync::Arc;

use iolite_access::{Permit, RoleAssignment, RoleDefinition};
use iolite_kernel::{
    Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, SignedDuration, Support, Uuid,
};
use iolite_resources::Principal;
use iolite_store::Versioned;

use super::{document, named};
use crate::Arm;
use crate::arm::caller_id;
use crate::errors::{
    BAD_REQUEST, INVALID_ROLE_ASSIGNMENT_ID, NOT_SUPPORTED, PRINCIPAL_NOT_FOUND, ROLE_ASSIGNMENT_EXISTS,
    ROLE_ASSIGNMENT_UPDATE_NOT_PERMITTED, ROLE_NOT_ASSIGNABLE_AT_SCOPE, UNMATCHED_PRINCIPAL_TYPE,
};
use crate::fields::Fields;
use crate::role_definitions::unknown;

/// `RoleAssignments_Create`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleAssignments_Create",
    method: Method::Put,
    path: "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleAssignments/write" },
    support: Support::Served,
    summary: "Gives a role to a principal at a scope.",
};

/// What the body asks for.
struct Wish {
    role_id: String,
    principal_id: String,
    principal_type: Option<String>,
    description: Option<String>,
}

/// Answers 201 for a new assignment and 200 for one that stood, whose description alone can change.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let name = request.param("roleAssignmentName");
    let name = Uuid::parse_str(name).map_err(|_| {
        let text = format!("The role assignment ID '{name}' is not valid: it must be a GUID.");
        ServiceError::new(&INVALID_ROLE_ASSIGNMENT_ID, text)
    })?;
    let name = name.to_string();
    let wish = read(&request)?;
    let scope = permit.resource();
    let written = arm.estate.store.transact(|transaction| {
        arm.require_scope(scope)?;
        let role = assignable(arm, &wish.role_id, scope)?;
        let principal = principal(arm, &wish)?;
        let (status, assignment) = match named(&arm.book.assignments, &name) {
            Some(standing) => (200, redescribe(&standing, &role, &principal, scope, &wish)?),
            None => (201, new(arm, &name, &role, &principal, scope, &wish, caller_id(&permit))?),
        };
        transaction.put(&arm.book.assignments, &assignment.key(), assignment.clone());
        Ok::<_, ServiceError>((status, assignment))
    });
    let (status, assignment) = written.await?;
    Ok(Answer::json(status, &document(&assignment)))
}

fn read(request: &Request) -> Result<Wish, ServiceError> {
    let mut body = Fields::of(request)?;
    let missing = |name: &str| ServiceError::new(&BAD_REQUEST, format!("'{name}' is missing."));
    let mut properties = body.fields("properties")?.ok_or_else(|| missing("properties"))?;
    for name in ["condition", "delegatedManagedIdentityResourceId"] {
        if properties.take(name).is_some() {
            let text = format!("'properties.{name}' is not emulated: no assignment was made.");
            return Err(ServiceError::new(&NOT_SUPPORTED, text));
        }
    }
    let role = properties.text("roleDefinitionId")?.ok_or_else(|| missing("properties.roleDefinitionId"))?;
    Ok(Wish {
        role_id: role.rsplit('/').next().unwrap_or_default().to_owned(),
        principal_id: properties.text("principalId")?.ok_or_else(|| missing("properties.principalId"))?,
        principal_type: properties.text("principalType")?,
        description: properties.text("description")?,
    })
}

/// The role, if it is there and can be assigned at the scope.
fn assignable(arm: &Arm, role_id: &str, scope: &Scope) -> Result<Arc<RoleDefinition>, ServiceError> {
    let role = arm.book.role(role_id).ok_or_else(|| unknown(role_id))?;
    let scopes = arm.estate.scopes_above(scope);
    if role.assignable_scopes.iter().any(|assignable| scopes.contains(assignable)) {
        return Ok(role);
    }
    let text = format!("The role '{}' cannot be assigned at the scope '{scope}'.", role.name);
    Err(ServiceError::new(&ROLE_NOT_ASSIGNABLE_AT_SCOPE, text))
}

/// The principal, by its object id alone: an application's id is refused, as by the service.
fn principal(arm: &Arm, wish: &Wish) -> Result<Versioned<Principal>, ServiceError> {
    let id = &wish.principal_id;
    let found = arm.estate.principal(id).ok_or_else(|| {
        let text = format!("Principal '{id}' does not exist in the directory '{}'.", arm.estate.tenant.id);
        ServiceError::new(&PRINCIPAL_NOT_FOUND, text)
    })?;
    match &wish.principal_type {
        Some(said) if !said.eq_ignore_ascii_case(found.arm_type()) => {
            let text = format!(
                "The principal '{id}' has type '{}', which is not the '{said}' that was said.",
                found.arm_type()
            );
            Err(ServiceError::new(&UNMATCHED_PRINCIPAL_TYPE, text))
        }
        _ => Ok(found),
    }
}

fn redescribe(
    standing: &RoleAssignment,
    role: &RoleDefinition,
    principal: &Principal,
    scope: &Scope,
    wish: &Wish,
) -> Result<RoleAssignment, ServiceError> {
    let same = standing.scope == *scope
        && standing.role_id.eq_ignore_ascii_case(&role.id)
        && standing.principal_id.eq_ignore_ascii_case(&principal.object_id);
    if !same {
        let text = "The role, principal and scope of a role assignment cannot be changed: delete it and make another.";
        return Err(ServiceError::new(&ROLE_ASSIGNMENT_UPDATE_NOT_PERMITTED, text));
    }
    Ok(RoleAssignment { description: wish.description.clone(), ..standing.clone() })
}

fn new(
    arm: &Arm,
    name: &str,
    role: &RoleDefinition,
    principal: &Principal,
    scope: &Scope,
    wish: &Wish,
    created_by: Option<String>,
) -> Result<RoleAssignment, ServiceError> {
    let of_principal = arm.book.assignments.all(&format!("{}/", principal.object_id.to_ascii_lowercase()));
    let twin =
        of_principal.iter().find(|(_, other)| other.scope == *scope && other.role_id.eq_ignore_ascii_case(&role.id));
    if let Some((_, twin)) = twin {
        let text =
            format!("The role assignment already exists. The ID of the existing role assignment is '{}'.", twin.name);
        return Err(ServiceError::new(&ROLE_ASSIGNMENT_EXISTS, text));
    }
    let now = arm.ground.now();
    let delay = SignedDuration::from_secs(i64::from(arm.estate.tenant.propagation_delay_seconds));
    Ok(RoleAssignment {
        name: name.to_owned(),
        scope: scope.clone(),
        role_id: role.id.clone(),
        principal_id: principal.object_id.clone(),
        principal_type: principal.arm_type().to_owned(),
        description: wish.description.clone(),
        created_at: now,
        effective_at: now.saturating_add(delay).unwrap_or(now),
        created_by,
    })
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SignedDuration;
    use serde_json::{Value, json};

    use crate::testing::{CALLER, GROUP, READER, SUBSCRIPTION, World, json};

    const NAME: &str = "77777777-7777-7777-7777-777777777777";
    const OTHER: &str = "88888888-8888-8888-8888-888888888888";
    const ROLE: &str = "/providers/Microsoft.Authorization/roleDefinitions/4fc6c259-987e-4a07-842e-c321cc9d413f";

    fn path(scope: &str, name: &str) -> String {
        format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
    }

    fn body(change: impl FnOnce(&mut Value)) -> Value {
        let mut properties = json!({"roleDefinitionId": ROLE, "principalId": CALLER, "principalType": "User"});
        change(&mut properties);
        json!({"properties": properties})
    }

    #[tokio::test]
    async fn a_role_is_given_at_once_and_says_by_whom() {
        let world = World::new().await;
        let answer = world.put(&path(GROUP, NAME), body(|_| ())).await.unwrap();
        assert_eq!(answer.status, 201);
        let properties = json(&answer)["properties"].clone();
        assert_eq!(properties["roleDefinitionId"], format!("/subscriptions/{SUBSCRIPTION}{ROLE}"));
        assert_eq!((&properties["createdBy"], &properties["scope"]), (&json!(CALLER), &json!(GROUP)));
        let (_, kept) = world.arm.book.assignments.all("").remove(0);
        assert_eq!(kept.effective_at, world.now());
    }

    #[tokio::test]
    async fn a_world_can_delay_the_effect() {
        let world = World::with_tenant(|tenant| tenant.propagation_delay_seconds = 300).await;
        world.put(&path(GROUP, NAME), body(|_| ())).await.unwrap();
        let (_, kept) = world.arm.book.assignments.all("").remove(0);
        assert_eq!(kept.effective_at.duration_since(world.now()), SignedDuration::from_secs(300));
    }

    #[tokio::test]
    async fn the_same_again_is_no_error_and_a_twin_is_one() {
        let world = World::new().await;
        world.put(&path(GROUP, NAME), body(|_| ())).await.unwrap();
        let again = world.put(&path(GROUP, NAME), body(|wish| wish["description"] = json!("why"))).await.unwrap();
        assert_eq!((again.status, &json(&again)["properties"]["description"]), (200, &json!("why")));
        let twin = world.put(&path(GROUP, OTHER), body(|_| ())).await.unwrap_err();
        assert_eq!((twin.code.status, twin.code.name), (409, "RoleAssignmentExists"));
        let below = format!("/subscriptions/{SUBSCRIPTION}");
        assert!(world.put(&path(&below, OTHER), body(|_| ())).await.is_ok(), "another scope is another assignment");
        let other = body(|wish| wish["principalId"] = json!(READER));
        let moved = world.put(&path(GROUP, NAME), other).await;
        assert_eq!(moved.unwrap_err().code.name, "RoleAssignmentUpdateNotPermitted");
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_by_the_services_names() {
        let world = World::new().await;
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/none");
        let cases = [
            (path(GROUP, "x"), body(|_| ()), "InvalidRoleAssignmentId"),
            (path(GROUP, NAME), body(|wish| wish["roleDefinitionId"] = json!(OTHER)), "RoleDefinitionDoesNotExist"),
            (path(GROUP, NAME), body(|wish| wish["principalId"] = json!(OTHER)), "PrincipalNotFound"),
            (path(GROUP, NAME), body(|wish| wish["principalType"] = json!("Group")), "UnmatchedPrincipalType"),
            (path(GROUP, NAME), body(|wish| wish["condition"] = json!("@Resource")), "NotSupported"),
            (path(GROUP, NAME), json!({}), "BadRequest"),
            (path(GROUP, NAME), json!({"properties": {"principalId": CALLER}}), "BadRequest"),
            (path(&hub, NAME), body(|_| ()), "ResourceNotFound"),
            (path(&GROUP.replace("contoso", "none"), NAME), body(|_| ()), "ResourceNotFound"),
        ];
        for (path, body, code) in cases {
            assert_eq!(world.put(&path, body).await.unwrap_err().code.name, code, "{path}");
        }
        assert_eq!(world.arm.book.assignments.count(""), 0);
    }

    #[tokio::test]
    async fn a_custom_role_is_given_only_where_it_can_be() {
        let world = World::new().await;
        let role = format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{OTHER}");
        let properties =
            json!({"roleName": "r", "assignableScopes": [GROUP], "permissions": [{"actions": ["*/read"]}]});
        world.put(&role, json!({"properties": properties})).await.unwrap();
        let above = path(&format!("/subscriptions/{SUBSCRIPTION}"), NAME);
        let error = world.put(&above, body(|wish| wish["roleDefinitionId"] = json!(role))).await.unwrap_err();
        assert_eq!(error.code.name, "RoleAssignmentScopeNotAssignableToRoleDefinition");
        assert!(world.put(&path(GROUP, NAME), body(|wish| wish["roleDefinitionId"] = json!(role))).await.is_ok());
    }

    #[tokio::test]
    async fn a_management_group_is_a_scope_too() {
        let world = World::new().await;
        let top = path("/providers/Microsoft.Management/managementGroups/top", NAME);
        let answer = world.put(&top, body(|_| ())).await.unwrap();
        assert_eq!(json(&answer)["id"], top.as_str());
        let none = path("/providers/Microsoft.Management/managementGroups/none", OTHER);
        assert_eq!(world.put(&none, body(|_| ())).await.unwrap_err().code.status, 404);
    }
}
