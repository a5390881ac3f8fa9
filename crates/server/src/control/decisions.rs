//! Decisions, made and hypothetical.

use iolite_access::{Filter, HypotheticalAsk};
use iolite_kernel::Uuid;
use serde_json::{Value, json};

use super::{Call, Control, Refused};
use crate::world::resolve_running;

fn filter(call: &Call) -> Result<Filter, Refused> {
    let allowed = match call.query("outcome") {
        None | Some("") => None,
        Some("allowed") => Some(true),
        Some("denied") => Some(false),
        Some(other) => return Err(Refused::bad_request(format!("outcome is `allowed` or `denied`, not `{other}`"))),
    };
    let limit = call.query("limit").map(str::parse).transpose();
    Ok(Filter {
        allowed,
        principal: call.query("principal").map(str::to_owned),
        operation: call.query("operation").map(str::to_owned),
        limit: limit.map_err(|_| Refused::bad_request("limit is a number"))?,
    })
}

pub(super) fn list(control: &Control, call: &Call) -> Result<Value, Refused> {
    let access = &control.house.access;
    let mut filter = filter(call)?;
    filter.limit.get_or_insert(100);
    let found = access.log().list(&filter);
    Ok(json!({"value": found.iter().map(|decision| access.decision_json(decision)).collect::<Vec<_>>()}))
}

pub(super) fn show(control: &Control, id: &str, call: &Call) -> Result<Value, Refused> {
    let access = &control.house.access;
    let found = if id == "last" {
        access.log().list(&Filter { limit: Some(1), ..filter(call)? }).into_iter().next()
    } else {
        let id = Uuid::try_parse(id).map_err(|_| Refused::bad_request(format!("`{id}` is not a decision's id")))?;
        access.log().find(id)
    };
    let found =
        found.ok_or_else(|| Refused::not_found("there is no such decision (any more): the log keeps the last 2048"))?;
    Ok(access.decision_json(&found))
}

pub(super) fn check(control: &Control, call: &Call) -> Result<Value, Refused> {
    let house = &control.house;
    let principal = call.required("principal")?;
    let resource = resolve_running(&house.estate, call.required("resource")?).map_err(Refused::bad_request)?;
    let actions: Vec<String> = match (call.text("action"), call.text("operation")) {
        (Some(action), _) => vec![action.to_owned()],
        (None, Some(name)) => {
            let known = house.access.operations();
            let operation = known.iter().find(|operation| operation.name.eq_ignore_ascii_case(name));
            let operation = operation.ok_or_else(|| Refused::bad_request(format!("there is no operation `{name}`")))?;
            operation.need.actions().iter().map(|action| (*action).to_owned()).collect()
        }
        (None, None) => return Err(Refused::bad_request("give an `action` or an `operation`")),
    };
    let mut evaluations = Vec::new();
    for action in &actions {
        let ask = HypotheticalAsk {
            principal,
            action,
            resource: &resource,
            with_role: call.text("addRole"),
            without_role: call.text("withoutRole"),
        };
        evaluations.push(house.access.check(&ask).map_err(|error| Refused::bad_request(error.to_string()))?);
    }
    let refused = evaluations.iter().find(|evaluation| !evaluation.is_allowed());
    let command = refused.and_then(|evaluation| house.access.granting_command(principal, evaluation, &resource));
    let verdict = match refused {
        None => format!("ALLOWED  {principal} may, at {resource}"),
        Some(evaluation) => format!("REFUSED  {principal} lacks {} at {resource}", evaluation.action),
    };
    let lines = evaluations.iter().flat_map(iolite_access::Evaluation::lines);
    Ok(json!({
        "allowed": refused.is_none(),
        "principal": principal,
        "resource": resource,
        "evaluations": evaluations.iter().map(iolite_access::Evaluation::to_json).collect::<Vec<_>>(),
        "explanation": std::iter::once(verdict).chain(lines).collect::<Vec<_>>(),
        "command": command,
    }))
}
