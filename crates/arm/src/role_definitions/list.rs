//! Lists the role definitions that can be assigned at a scope.
//! Source: 2022-04-01. Filters: `atScopeAndBelow()` adds the custom roles that can be assigned only below the scope; `type eq`
//! and `roleName eq` choose.

use iolite_access::{Permit, RoleDefinition};
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document;
use crate::Arm;
use crate::filter::{Term, terms};

/// `RoleDefinitions_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleDefinitions_List",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/roleDefinitions",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleDefinitions/read" },
    support: Support::Served,
    summary: "Lists the role definitions of a scope.",
};

/// Answers 200 with the roles, built-in ones first. All of them are in one page.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let scope = permit.resource();
    let terms = terms(&request)?;
    let mut below = false;
    for term in &terms {
        match term {
            Term::Call(name, None) if name == "atscopeandbelow" => below = true,
            Term::Call(name, None) if name == "atscope" => {}
            Term::Equals(name, _) if name == "type" || name == "rolename" => {}
            other => return Err(other.refuse()),
        }
    }
    let scopes = arm.estate.scopes_above(scope);
    let reaches = |role: &RoleDefinition| {
        role.assignable_scopes
            .iter()
            .any(|assignable| scopes.contains(assignable) || (below && scope.covers(assignable)))
    };
    let roles = arm.book.all();
    let chosen = roles.iter().filter(|role| reaches(role) && terms.iter().all(|term| fits(role, term)));
    let value: Vec<_> = chosen.map(|role| document(role, scope)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

fn fits(role: &RoleDefinition, term: &Term) -> bool {
    match term {
        Term::Equals(name, value) if name == "type" => {
            value.eq_ignore_ascii_case(if role.custom { "CustomRole" } else { "BuiltInRole" })
        }
        Term::Equals(_, value) => role.name.eq_ignore_ascii_case(value),
        Term::Call(..) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    async fn names(world: &World, scope: &str, filter: &str) -> Vec<String> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions?$filter={filter}");
        let listed = json(&world.get(&path).await.unwrap());
        let roles = listed["value"].as_array().unwrap().iter();
        roles.map(|role| role["properties"]["roleName"].as_str().unwrap().to_owned()).collect()
    }

    async fn with_custom_role() -> World {
        let world = World::new().await;
        let path =
            format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-7777-7777-777777777777");
        let properties = json!({
            "roleName": "Bob's role", "assignableScopes": [GROUP], "permissions": [{"actions": ["*/read"]}],
        });
        world.put(&path, json!({"properties": properties})).await.unwrap();
        world
    }

    #[tokio::test]
    async fn a_role_is_found_by_its_name_as_az_asks_for_it() {
        let world = with_custom_role().await;
        assert_eq!(names(&world, GROUP, "roleName%20eq%20'iot%20hub%20data%20reader'").await, ["IoT Hub Data Reader"]);
        assert_eq!(names(&world, GROUP, "roleName%20eq%20'Bob''s%20role'").await, ["Bob's role"]);
    }

    #[tokio::test]
    async fn a_custom_role_shows_where_it_can_be_assigned() {
        let world = with_custom_role().await;
        let subscription = format!("/subscriptions/{}", crate::testing::SUBSCRIPTION);
        assert_eq!(names(&world, GROUP, "type%20eq%20'CustomRole'").await, ["Bob's role"]);
        assert!(names(&world, &subscription, "type%20eq%20'CustomRole'").await.is_empty());
        let below = names(&world, &subscription, "atScopeAndBelow()%20and%20type%20eq%20'CustomRole'").await;
        assert_eq!(below, ["Bob's role"]);
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        assert_eq!(names(&world, &hub, "type%20eq%20'CustomRole'").await, ["Bob's role"]);
    }

    #[tokio::test]
    async fn an_unknown_filter_is_refused_by_name() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Authorization/roleDefinitions?$filter=description%20eq%20'x'");
        let error = world.get(&path).await.unwrap_err();
        assert!(error.code.status == 400 && error.message.contains("description"), "{}", error.message);
    }
}
