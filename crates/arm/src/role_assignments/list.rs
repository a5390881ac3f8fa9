//! Lists the role assignments at, above and below a scope.
//! Source: 2022-04-01 and the article on listing role assignments. Filters: `atScope()` leaves out what is below,
//! `atExactScope()` what is above too; `principalId eq` chooses one principal's own, `assignedTo()` those of its groups as
//! well.

use iolite_access::{Permit, RoleAssignment};
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document;
use crate::Arm;
use crate::filter::{Term, terms};

/// `RoleAssignments_ListForScope`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "RoleAssignments_ListForScope",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/roleAssignments",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/roleAssignments/read" },
    support: Support::Served,
    summary: "Lists the role assignments of a scope.",
};

/// Answers 200 with the assignments. All of them are in one page.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let scope = permit.resource();
    let wanted = Wanted::read(arm, &request)?;
    let above = arm.estate.scopes_above(scope);
    let within = |assignment: &RoleAssignment| match wanted.reach {
        Reach::Exact => assignment.scope == *scope,
        Reach::AtAndAbove => above.contains(&assignment.scope),
        Reach::All => above.contains(&assignment.scope) || arm.estate.scopes_above(&assignment.scope).contains(scope),
    };
    let all = arm.book.assignments.all("");
    let chosen = all.iter().filter(|(_, found)| within(found) && wanted.names(&found.principal_id));
    let value: Vec<_> = chosen.map(|(_, assignment)| document(assignment)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

/// What a filter asks for.
struct Wanted {
    reach: Reach,
    /// The object ids that each term on principals lets through.
    principals: Vec<Vec<String>>,
}

impl Wanted {
    fn read(arm: &Arm, request: &Request) -> Result<Self, ServiceError> {
        let mut wanted = Self { reach: Reach::All, principals: Vec::new() };
        for term in terms(request)? {
            match term {
                Term::Call(name, None) if name == "atscope" => wanted.reach = Reach::AtAndAbove,
                Term::Call(name, None) if name == "atexactscope" => wanted.reach = Reach::Exact,
                Term::Call(name, Some(id)) if name == "assignedto" => {
                    let mut ids = arm.estate.groups_of(&id).to_vec();
                    ids.push(id);
                    wanted.principals.push(ids);
                }
                Term::Equals(name, id) if name == "principalid" => wanted.principals.push(vec![id]),
                other => return Err(other.refuse()),
            }
        }
        Ok(wanted)
    }

    fn names(&self, principal_id: &str) -> bool {
        self.principals.iter().all(|ids| ids.iter().any(|id| id.eq_ignore_ascii_case(principal_id)))
    }
}

/// How far from the scope to look.
#[derive(Clone, Copy)]
enum Reach {
    All,
    AtAndAbove,
    Exact,
}

#[cfg(test)]
mod tests {
    use iolite_kernel::ServiceError;
    use iolite_resources::{Principal, PrincipalKind};
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, READER, SUBSCRIPTION, World, json};

    const OPERATORS: &str = "99999999-9999-9999-9999-999999999999";

    async fn world() -> World {
        let world = World::new().await;
        let estate = &world.arm.estate;
        let made = estate.store.transact(|transaction| {
            let group = Principal {
                object_id: OPERATORS.to_owned(),
                name: "operators".to_owned(),
                enabled: true,
                kind: PrincipalKind::Group { members: vec![CALLER.to_owned()] },
            };
            transaction.put(&estate.principals, OPERATORS, group);
            Ok::<(), ServiceError>(())
        });
        made.await.unwrap();
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let given = [
            ("/providers/Microsoft.Management/managementGroups/top".to_owned(), READER),
            (format!("/subscriptions/{SUBSCRIPTION}"), CALLER),
            (GROUP.to_owned(), OPERATORS),
            (hub, CALLER),
        ];
        for (index, (scope, principal)) in given.iter().enumerate() {
            let path = format!(
                "{scope}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-77777777777{index}"
            );
            let role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
            let body = json!({"properties": {"roleDefinitionId": role, "principalId": principal}});
            world.put(&path, body).await.unwrap();
        }
        world
    }

    /// The last digits of the assignments' names, which tell how deep they are.
    async fn listed(world: &World, filter: &str) -> Vec<char> {
        let path = format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}");
        let value = json(&world.get(&path).await.unwrap())["value"].clone();
        let names = value.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().chars().last().unwrap());
        let mut names: Vec<char> = names.collect();
        names.sort_unstable();
        names
    }

    #[tokio::test]
    async fn filters_choose_by_scope_and_by_principal() {
        let world = world().await;
        assert_eq!(listed(&world, "").await, ['0', '1', '2', '3']);
        assert_eq!(listed(&world, "atScope()").await, ['0', '1', '2']);
        assert_eq!(listed(&world, "atExactScope()").await, ['2']);
        assert_eq!(listed(&world, &format!("principalId%20eq%20'{CALLER}'")).await, ['1', '3']);
        assert_eq!(listed(&world, &format!("assignedTo('{CALLER}')")).await, ['1', '2', '3']);
        assert_eq!(listed(&world, &format!("atScope()%20and%20assignedTo('{CALLER}')")).await, ['1', '2']);
    }

    #[tokio::test]
    async fn an_unknown_filter_is_refused() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments?$filter=name%20eq%20'x'");
        assert_eq!(world.get(&path).await.unwrap_err().code.name, "UnsupportedQuery");
    }
}
