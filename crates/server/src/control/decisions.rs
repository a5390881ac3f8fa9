//! Decisions that were made.

use iolite_access::{Asker, Filter};
use iolite_kernel::Uuid;
use serde_json::{Value, json};

use super::{Call, Control, Refused};

fn filter(control: &Control, call: &Call) -> Result<Filter, Refused> {
    let allowed = match call.query("outcome") {
        None => None,
        Some("allowed") => Some(true),
        // The explanations say REFUSED.
        Some("denied" | "refused") => Some(false),
        Some(other) => return Err(Refused::bad_request(format!("outcome is `allowed` or `denied`, not `{other}`"))),
    };
    let limit = call.query("limit").map(str::parse).transpose();
    Ok(Filter {
        allowed,
        principal: call.query("principal").map(|text| asker(control, text)),
        operation: call.query("operation").map(str::to_owned),
        limit: limit.map_err(|_| Refused::bad_request("limit is a number"))?,
    })
}

/// Whoever goes by `text`: the principal of today's world that `check` would take it for, and, since a decision outlives
/// its caller, whoever called themselves so.
fn asker(control: &Control, text: &str) -> Asker {
    let found = control.house.estate.principal_named(text);
    Asker { name: text.to_owned(), object_id: found.map(|found| found.object_id.clone()) }
}

pub(super) fn list(control: &Control, call: &Call) -> Result<Value, Refused> {
    let access = &control.house.access;
    let mut filter = filter(control, call)?;
    filter.limit.get_or_insert(100);
    let found = access.log().list(&filter);
    Ok(json!({"value": found.iter().map(|decision| access.decision_json(decision)).collect::<Vec<_>>()}))
}

pub(super) fn show(control: &Control, id: &str, call: &Call) -> Result<Value, Refused> {
    let access = &control.house.access;
    let found = if id == "last" {
        access.log().list(&Filter { limit: Some(1), ..filter(control, call)? }).into_iter().next()
    } else {
        let id = Uuid::try_parse(id).map_err(|_| Refused::bad_request(format!("`{id}` is not a decision's id")))?;
        access.log().find(id)
    };
    let found = found.ok_or_else(|| {
        Refused::not_found(match id {
            "last" => "no such request was decided since the start or the last reset",
            _ => {
                "there is no such decision (any more): the log keeps the last 2048, and none is made about a request whose \
                 path, method or api-version is not known"
            }
        })
    })?;
    Ok(access.decision_json(&found))
}
