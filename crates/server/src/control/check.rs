//! A decision without a request: may this principal do that there?

use iolite_access::{HypotheticalAsk, Plane};
use iolite_kernel::{Need, Operation, Scope, Service};
use iolite_resources::{Hub, ProvisioningService, TwinsInstance};
use serde_json::{Value, json};

use super::roles::without_a_role;
use super::{Call, Control, Refused};

pub(super) fn check(control: &Control, call: &Call) -> Result<Value, Refused> {
    let house = &control.house;
    let principal = call.required("principal")?;
    let caller = control.principal(principal)?;
    let resource = control.scope(call.required("resource")?)?;
    let nothing = control.nothing_at(&resource);
    let actions: Vec<String> = match (call.text("action"), call.text("operation")) {
        (Some(_), Some(_)) => return Err(Refused::bad_request("give an `action` or an `operation`, not both")),
        (Some(action), None) => vec![action.to_owned()],
        (None, Some(name)) => {
            let operation = operation(control, name, &resource)?;
            if let Some(needs) = without_a_role(&operation.need) {
                return match nothing {
                    Some(refused) => Err(refused),
                    None => Ok(no_role_decides(principal, caller.enabled, operation, needs, &resource)),
                };
            }
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
    // Only Resource Manager takes requests for what is not there yet.
    let note = match nothing {
        Some(refused) if evaluations.iter().any(|evaluation| evaluation.plane == Plane::Data) => return Err(refused),
        Some(refused) => Some(format!("  note       {}", refused.message)),
        None => None,
    };
    let refused = evaluations.iter().find(|evaluation| !evaluation.is_allowed());
    let command = refused.and_then(|evaluation| house.access.granting_command(principal, evaluation, &resource));
    let is_enabled = caller.enabled;
    let verdict = match refused {
        _ if !is_enabled => format!("REFUSED  {principal} is disabled: no token of it is accepted"),
        None => format!("ALLOWED  {principal} may, at {resource}"),
        Some(evaluation) => format!("REFUSED  {principal} lacks {} at {resource}", evaluation.action),
    };
    let lines = evaluations.iter().flat_map(iolite_access::Evaluation::lines);
    Ok(json!({
        "allowed": is_enabled && refused.is_none(),
        "principal": principal,
        "resource": resource,
        "evaluations": evaluations.iter().map(iolite_access::Evaluation::to_json).collect::<Vec<_>>(),
        "explanation": std::iter::once(verdict).chain(lines).chain(note).collect::<Vec<_>>(),
        "command": command,
    }))
}

/// The operation, where it is one of the resource that is asked about. A wider scope stands for all that is in it.
fn operation(control: &Control, name: &str, resource: &Scope) -> Result<&'static Operation, Refused> {
    let known = control.house.access.operations();
    let found = known.iter().find(|operation| operation.name.eq_ignore_ascii_case(name)).copied();
    let operation = found.ok_or_else(|| {
        Refused::bad_request(format!("there is no operation `{name}`; `iolite roles` lists the operations"))
    })?;
    let kind = match operation.service {
        Service::Hub => Hub::TYPE,
        Service::Dps => ProvisioningService::TYPE,
        Service::Twins => TwinsInstance::TYPE,
        _ => return Ok(operation),
    };
    let of_another = [Hub::TYPE, ProvisioningService::TYPE, TwinsInstance::TYPE]
        .into_iter()
        .filter(|other| *other != kind)
        .any(|other| resource.as_str().to_ascii_lowercase().contains(&other.to_ascii_lowercase()));
    if of_another {
        return Err(Refused::bad_request(format!(
            "{} is an operation of {kind}, which {resource} is not",
            operation.name
        )));
    }
    Ok(operation)
}

/// The answer about an operation that asks for no role, or takes no Entra token at all.
fn no_role_decides(principal: &str, is_enabled: bool, operation: &Operation, needs: &str, resource: &Scope) -> Value {
    let is_allowed = match operation.need {
        Need::Public { .. } => true,
        Need::SignedIn => is_enabled,
        _ => false,
    };
    let verdict = if is_allowed { "ALLOWED" } else { "REFUSED" };
    json!({
        "allowed": is_allowed,
        "principal": principal,
        "resource": resource,
        "evaluations": [],
        "explanation": [format!("{verdict}  {} asks for no role: {needs}", operation.name)],
        "command": null,
    })
}
