//! Makes a custom role, or changes one that stands.
//! Source: 2022-04-01: 201 both ways. The caller needs the same action at every scope that the role can be assigned at, before
//! the change and after it. Built-in roles cannot be changed, and a custom role cannot be assignable at the root.

use iolite_access::{Permission, Permit, RoleDefinition};
use iolite_kernel::{
    Answer, ApiVersions, Method, Need, Operation, Request, Scope, Service, ServiceError, Support, Uuid,
};

use super::{document, require_at_each};
use crate::Arm;
use crate::errors::{
    BAD_REQUEST, BUILT_IN_ROLE_IS_FIXED, INVALID_ACTION, INVALID_ROLE_DEFINITION_ID, INVALID_SCOPE, NOT_SUPPORTED,
    ROLE_DEFINITION_LIMIT_EXCEEDED, ROLE_DEFINITION_NAME_TAKEN,
};
use crate::fields::Fields;

/// `RoleDefinitions_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleDefinitions_CreateOrUpdate",
    method: Method::Put,
    path: "/{*scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleDefinitions/write" },
    support: Support::Served,
    summary: "Makes or changes a custom role.",
};

/// How many custom roles a tenant has (documented).
const MOST_ROLES: usize = 5000;
/// How many characters a role's name and its description have (documented).
const LONGEST: (usize, usize) = (512, 2048);
/// How many actions, of whatever kind, and how many scopes a role has, and how long an action is. Not documented: each
/// decision looks at every one of them.
const MOST: (usize, usize) = (2000, 2000);
const LONGEST_ACTION: usize = 512;

/// Answers 201 with the role.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = Uuid::parse_str(request.param("roleDefinitionId")).map_err(|_| {
        let text =
            format!("The role definition ID '{}' is not valid: it must be a GUID.", request.param("roleDefinitionId"));
        ServiceError::new(&INVALID_ROLE_DEFINITION_ID, text)
    })?;
    let role = read(&request)?;
    role.assignable_scopes.iter().try_for_each(|scope| arm.require_scope(scope))?;
    require_at_each(arm, &permit, &role.assignable_scopes)?;
    let key = id.to_string();
    let written = arm.estate.store.transact(|transaction| {
        if arm.book.built_in().iter().any(|known| known.id.eq_ignore_ascii_case(&key)) {
            return Err(ServiceError::new(
                &BUILT_IN_ROLE_IS_FIXED,
                format!("The role '{key}' is built in and cannot be changed."),
            ));
        }
        let namesake =
            arm.book.all().into_iter().find(|other| other.name.eq_ignore_ascii_case(&role.name) && other.id != key);
        if let Some(other) = namesake {
            let text = format!("A role named '{}' exists already: {}.", role.name, other.id);
            return Err(ServiceError::new(&ROLE_DEFINITION_NAME_TAKEN, text));
        }
        let now = arm.ground.now();
        let standing = transaction.get(&arm.book.custom, &key);
        if let Some(standing) = &standing {
            require_at_each(arm, &permit, &standing.assignable_scopes)?;
        } else if transaction.count(&arm.book.custom, "") >= MOST_ROLES {
            let text = format!("The tenant has {MOST_ROLES} custom roles; no more can be made.");
            return Err(ServiceError::new(&ROLE_DEFINITION_LIMIT_EXCEEDED, text));
        }
        let written = RoleDefinition {
            id: key.clone(),
            created_at: Some(standing.and_then(|role| role.created_at).unwrap_or(now)),
            changed_at: Some(now),
            ..role.clone()
        };
        transaction.put(&arm.book.custom, &key, written.clone());
        Ok(written)
    });
    Ok(Answer::json(201, &document(&written.await?, permit.resource())))
}

/// Reads the body: a role without id and dates.
fn read(request: &Request) -> Result<RoleDefinition, ServiceError> {
    let mut body = Fields::of(request)?;
    let mut properties = body.fields("properties")?.ok_or_else(|| invalid("'properties' is missing."))?;
    let name = properties.text("roleName")?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| invalid("'properties.roleName' is missing."))?;
    if properties.text("type")?.is_some_and(|kind| !kind.eq_ignore_ascii_case("CustomRole")) {
        return Err(invalid("Only roles of the type CustomRole can be made."));
    }
    let description = properties.text("description")?.unwrap_or_default();
    let permissions = properties.items("permissions")?.unwrap_or_default();
    if permissions.is_empty() {
        return Err(invalid("'properties.permissions' has no entry."));
    }
    let permissions: Vec<Permission> = permissions.into_iter().map(read_permission).collect::<Result<_, _>>()?;
    check_size(&name, &description, &permissions)?;
    let scopes = properties.texts("assignableScopes")?.unwrap_or_default();
    let parse = |text: &String| {
        let scope = Scope::parse(text).map_err(|error| ServiceError::new(&INVALID_SCOPE, error.to_string()))?;
        if scope == Scope::root() {
            return Err(ServiceError::new(&INVALID_SCOPE, "A custom role cannot be assignable at '/'."));
        }
        Ok(scope)
    };
    if scopes.len() > MOST.1 {
        return Err(invalid(format!("The role can be assigned at {} scopes; the most is {}.", scopes.len(), MOST.1)));
    }
    let assignable_scopes: Vec<Scope> = scopes.iter().map(parse).collect::<Result<_, _>>()?;
    if assignable_scopes.is_empty() {
        return Err(invalid("'properties.assignableScopes' has no entry."));
    }
    Ok(RoleDefinition {
        id: String::new(),
        name,
        description,
        custom: true,
        permissions,
        assignable_scopes,
        created_at: None,
        changed_at: None,
    })
}

fn check_size(name: &str, description: &str, permissions: &[Permission]) -> Result<(), ServiceError> {
    for (what, text, most) in [("roleName", name, LONGEST.0), ("description", description, LONGEST.1)] {
        if text.chars().count() > most {
            return Err(invalid(format!("'properties.{what}' is longer than {most} characters.")));
        }
    }
    let lists = |permission: &Permission| {
        permission.actions.len()
            + permission.not_actions.len()
            + permission.data_actions.len()
            + permission.not_data_actions.len()
    };
    let actions: usize = permissions.iter().map(lists).sum();
    if actions > MOST.0 || permissions.len() > MOST.0 {
        return Err(invalid(format!("The role lists {actions} actions; the most is {}.", MOST.0)));
    }
    Ok(())
}

fn read_permission(mut item: Fields) -> Result<Permission, ServiceError> {
    let mut list = |name: &str| -> Result<Vec<String>, ServiceError> {
        let actions = item.texts(name)?.unwrap_or_default();
        match actions.iter().find(|action| !is_action(action)) {
            Some(action) => {
                Err(ServiceError::new(&INVALID_ACTION, format!("'{action}' is no action of any provider.")))
            }
            None => Ok(actions),
        }
    };
    let permission = Permission {
        actions: list("actions")?,
        not_actions: list("notActions")?,
        data_actions: list("dataActions")?,
        not_data_actions: list("notDataActions")?,
    };
    if item.text("condition")?.is_some() {
        return Err(ServiceError::new(&NOT_SUPPORTED, "Conditions in role definitions are not emulated."));
    }
    Ok(permission)
}

/// Whether a role may list `text` as an action: `*`, or words between slashes in which `*` stands for any text.
#[must_use]
pub fn is_action(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".*-_$".contains(&byte))
    };
    text.len() <= LONGEST_ACTION && (text == "*" || (text.contains('/') && text.split('/').all(is_word)))
}

fn invalid(text: impl Into<String>) -> ServiceError {
    ServiceError::new(&BAD_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{GROUP, SUBSCRIPTION, World, json};

    const ID: &str = "77777777-7777-7777-7777-777777777777";

    fn path(id: &str) -> String {
        format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{id}")
    }

    fn body(change: impl FnOnce(&mut Value)) -> Value {
        let mut properties = json!({
            "roleName": "Gatekeeper", "type": "CustomRole", "description": "d", "assignableScopes": [GROUP],
            "permissions": [{"dataActions": ["Microsoft.Devices/IotHubs/devices/*"], "notDataActions": ["*/delete"]}],
        });
        change(&mut properties);
        json!({"properties": properties})
    }

    #[tokio::test]
    async fn a_custom_role_is_made_and_changed() {
        let world = World::new().await;
        let first = world.put(&path(ID), body(|_| ())).await.unwrap();
        assert_eq!(first.status, 201);
        assert_eq!(json(&first)["properties"]["type"], "CustomRole");
        world.clock.advance(iolite_kernel::SignedDuration::from_hours(1));
        let second = world.put(&path(ID), body(|role| role["description"] = json!("e"))).await.unwrap();
        assert_eq!(json(&second)["properties"]["createdOn"], "2026-11-22T12:00:00.0000000Z");
        assert_eq!(json(&second)["properties"]["updatedOn"], "2026-11-22T13:00:00.0000000Z");
        let role = world.arm.book.role(ID).unwrap();
        assert!(role.allows("Microsoft.Devices/IotHubs/devices/write", true));
        assert!(!role.allows("Microsoft.Devices/IotHubs/devices/delete", true));
    }

    #[tokio::test]
    async fn built_in_roles_and_their_names_are_taken() {
        let world = World::new().await;
        let reader = path("acdd72a7-3385-48ef-bd42-f606fba81ae7");
        assert_eq!(world.put(&reader, body(|_| ())).await.unwrap_err().code.name, "RoleDefinitionUpdateNotPermitted");
        let namesake = body(|role| role["roleName"] = json!("owner"));
        assert_eq!(world.put(&path(ID), namesake).await.unwrap_err().code.status, 409);
    }

    #[tokio::test]
    async fn a_bad_role_is_refused_and_not_made() {
        let world = World::new().await;
        let elsewhere = GROUP.replace("contoso", "elsewhere");
        let cases = [
            (body(|role| role["roleName"] = json!(" ")), "BadRequest"),
            (body(|role| role["type"] = json!("BuiltInRole")), "BadRequest"),
            (body(|role| role["permissions"] = json!([])), "BadRequest"),
            (body(|role| role["permissions"] = json!([{"actions": ["read things"]}])), "InvalidActionOrNotAction"),
            (body(|role| role["permissions"] = json!([{"actions": "*"}])), "InvalidRequestContent"),
            (body(|role| role["permissions"] = json!([{"actions": ["*"], "condition": "x"}])), "NotSupported"),
            (body(|role| role["assignableScopes"] = json!([])), "BadRequest"),
            (body(|role| role["assignableScopes"] = json!(["/"])), "InvalidScope"),
            (body(|role| role["assignableScopes"] = json!(["contoso"])), "InvalidScope"),
            (body(|role| role["assignableScopes"] = json!([elsewhere])), "ResourceNotFound"),
        ];
        for (body, code) in cases {
            assert_eq!(world.put(&path(ID), body.clone()).await.unwrap_err().code.name, code, "{body}");
        }
        assert_eq!(world.put(&path("x"), body(|_| ())).await.unwrap_err().code.name, "InvalidRoleDefinitionId");
        assert_eq!(world.arm.book.custom.count(""), 0);
    }

    #[tokio::test]
    async fn a_role_is_no_larger_than_a_decision_can_look_at() {
        let world = World::new().await;
        let many = |count: usize| json!([{"dataActions": vec!["Microsoft.Devices/*/read"; count]}]);
        let long = format!("Microsoft.Devices/{}", "x".repeat(512));
        let cases = [
            (body(|role| role["roleName"] = json!("x".repeat(513))), "BadRequest"),
            (body(|role| role["description"] = json!("x".repeat(2049))), "BadRequest"),
            (body(|role| role["permissions"] = many(2001)), "BadRequest"),
            (body(|role| role["permissions"] = json!(vec![json!({}); 2001])), "BadRequest"),
            (body(|role| role["permissions"] = json!([{"actions": [long]}])), "InvalidActionOrNotAction"),
            (body(|role| role["assignableScopes"] = json!(vec![GROUP; 2001])), "BadRequest"),
        ];
        for (body, code) in cases {
            assert_eq!(world.put(&path(ID), body).await.unwrap_err().code.name, code);
        }
        assert_eq!(world.arm.book.custom.count(""), 0);
        let largest = body(|role| {
            role["permissions"] = many(2000);
            role["roleName"] = json!("x".repeat(512));
        });
        assert!(world.put(&path(ID), largest).await.is_ok());
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_custom_roles_and_those_can_still_be_changed() {
        let world = World::new().await;
        world.put(&path(ID), body(|_| ())).await.unwrap();
        let role = world.arm.book.role(ID).unwrap();
        let filled = world.arm.estate.store.transact(|transaction| {
            for number in 1..super::MOST_ROLES {
                let id = iolite_kernel::Uuid::from_u128(number as u128).to_string();
                let other = super::RoleDefinition { id: id.clone(), name: id.clone(), ..role.as_ref().clone() };
                transaction.put(&world.arm.book.custom, &id, other);
            }
            Ok::<(), iolite_kernel::ServiceError>(())
        });
        filled.await.unwrap();
        let another = body(|role| role["roleName"] = json!("another"));
        let error = world.put(&path("88888888-7777-7777-7777-777777777777"), another).await.unwrap_err();
        assert_eq!(error.code.name, "RoleDefinitionLimitExceeded");
        assert!(world.put(&path(ID), body(|role| role["description"] = json!("e"))).await.is_ok());
    }

    #[tokio::test]
    async fn a_scope_above_needs_the_right_there_too() {
        let world = World::new().await;
        let above = format!("/subscriptions/{SUBSCRIPTION}");
        let wide = body(|role| role["assignableScopes"] = json!([above]));
        let error = world.put(&path(ID), wide.clone()).await.unwrap_err();
        assert_eq!(error.code.name, "LinkedAuthorizationFailed");
        let assignment = format!("{above}/providers/Microsoft.Authorization/roleAssignments/{ID}");
        let owner = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
        let properties = json!({"roleDefinitionId": owner, "principalId": crate::testing::CALLER});
        world.put(&assignment, json!({"properties": properties})).await.unwrap();
        assert!(world.put(&path(ID), wide.clone()).await.is_ok());
        keep_from_writing_roles(&world, &above).await;
        let error = world.put(&path(ID), wide).await.unwrap_err();
        assert_eq!(error.code.name, "LinkedAuthorizationFailed", "a deny assignment there counts too");
    }

    async fn keep_from_writing_roles(world: &World, scope: &str) {
        let deny = iolite_access::DenyAssignment {
            name: ID.to_owned(),
            display_name: "no roles".to_owned(),
            description: String::new(),
            scope: iolite_kernel::Scope::parse(scope).unwrap(),
            does_not_apply_to_child_scopes: false,
            permissions: vec![iolite_access::Permission {
                actions: vec!["Microsoft.Authorization/roleDefinitions/*".to_owned()],
                ..Default::default()
            }],
            principals: vec![crate::testing::CALLER.to_owned()],
            excluded_principals: Vec::new(),
        };
        let made = world.arm.estate.store.transact(|transaction| {
            transaction.put(&world.arm.book.denies, ID, deny.clone());
            Ok::<(), iolite_kernel::ServiceError>(())
        });
        made.await.unwrap();
    }

    /// Or whoever owns one resource group could give themselves whatever a role of another's says from then on.
    #[tokio::test]
    async fn a_role_of_a_scope_without_the_right_there_is_neither_changed_nor_deleted() {
        let world = World::new().await;
        let elsewhere = GROUP.replace("contoso", "elsewhere");
        world.put(&elsewhere, json!({"location": "westeurope"})).await.unwrap();
        let theirs = format!("{elsewhere}/providers/Microsoft.Authorization/roleDefinitions/{ID}");
        let made = body(|role| role["assignableScopes"] = json!([elsewhere]));
        world.put(&theirs, made.clone()).await.unwrap();
        let seized = body(|role| role["permissions"] = json!([{"actions": ["*"]}]));
        let error = world.put(&path(ID), seized).await.unwrap_err();
        assert_eq!(error.code.name, "LinkedAuthorizationFailed");
        let error = world.delete(&path(ID)).await.unwrap_err();
        assert_eq!(error.code.name, "LinkedAuthorizationFailed");
        assert!(!world.arm.book.role(ID).unwrap().allows("Microsoft.Devices/IotHubs/read", false));
        assert!(world.put(&theirs, made).await.is_ok());
    }
}
