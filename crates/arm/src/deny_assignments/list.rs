//! Lists the deny assignments at, above and below a scope.
//! Source: 2022-04-01. Filters: `atScope()` leaves out what is below; `denyAssignmentName eq` and `principalId eq` choose.

use iolite_access::{DenyAssignment, Permit};
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document;
use crate::Arm;
use crate::filter::{Term, terms};

/// `DenyAssignments_ListForScope`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DenyAssignments_ListForScope",
    method: Method::Get,
    path: "/{*scope}/providers/Microsoft.Authorization/denyAssignments",
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Authorization/denyAssignments/read" },
    support: Support::Served,
    summary: "Lists the deny assignments of a scope.",
};

/// Answers 200 with the deny assignments. All of them are in one page.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let scope = permit.resource();
    let terms = terms(&request)?;
    let known = |term: &&Term| match term {
        Term::Call(name, None) => name == "atscope",
        Term::Call(..) => false,
        Term::Equals(name, _) => name == "denyassignmentname" || name == "principalid",
    };
    if let Some(other) = terms.iter().find(|term| !known(term)) {
        return Err(other.refuse());
    }
    let above = arm.estate.scopes_above(scope);
    let at_scope = terms.iter().any(|term| matches!(term, Term::Call(..)));
    let within = |deny: &DenyAssignment| {
        above.contains(&deny.scope) || (!at_scope && arm.estate.scopes_above(&deny.scope).contains(scope))
    };
    let all = arm.book.denies.all("");
    let chosen = all.iter().filter(|(_, deny)| within(deny) && terms.iter().all(|term| fits(deny, term)));
    let value: Vec<_> = chosen.map(|(_, deny)| document(deny)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

fn fits(deny: &DenyAssignment, term: &Term) -> bool {
    match term {
        Term::Equals(name, value) if name == "principalid" => {
            deny.principals.iter().any(|id| id.eq_ignore_ascii_case(value))
        }
        Term::Equals(_, value) => deny.display_name.eq_ignore_ascii_case(value),
        Term::Call(..) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::world;
    use crate::testing::{CALLER, GROUP, SUBSCRIPTION, json};

    #[tokio::test]
    async fn deny_assignments_are_listed_from_above_and_below() {
        let world = world().await;
        let count = async |scope: &str, filter: &str| {
            let path = format!("{scope}/providers/Microsoft.Authorization/denyAssignments?$filter={filter}");
            json(&world.get(&path).await.unwrap())["value"].as_array().unwrap().len()
        };
        let subscription = format!("/subscriptions/{SUBSCRIPTION}");
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        assert_eq!(count(&hub, "").await, 1);
        assert_eq!(count(&subscription, "").await, 1);
        assert_eq!(count(&subscription, "atScope()").await, 0);
        assert_eq!(count(&hub, "denyAssignmentName%20eq%20'other'").await, 0);
        assert_eq!(count(&hub, &format!("principalId%20eq%20'{CALLER}'")).await, 0);
    }
}
