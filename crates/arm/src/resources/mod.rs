//! Resources of all kinds in one listing.

pub(crate) mod list;
pub(crate) mod list_by_group;

use iolite_access::Permit;
use iolite_kernel::{Request, Scope, ServiceError};
use serde_json::{Value, json};

use crate::Arm;
use crate::arm::ListedResource;
use crate::filter::{Term, terms};

/// What a caller needs at a resource to see it listed.
const READ: [(&str, &str); 3] = [
    ("Microsoft.Devices/IotHubs", "Microsoft.Devices/iotHubs/Read"),
    ("Microsoft.Devices/provisioningServices", "Microsoft.Devices/provisioningServices/Read"),
    ("Microsoft.DigitalTwins/digitalTwinsInstances", "Microsoft.DigitalTwins/digitalTwinsInstances/read"),
];

/// The resources below `scope` that the caller may read and the request's `$filter` lets through. `az resource list`
/// filters by `resourceType`, `name`, `resourceGroup` and `location`.
pub(crate) fn list(arm: &Arm, permit: &Permit, request: &Request, scope: &Scope) -> Result<Value, ServiceError> {
    let terms = terms(request)?;
    let known = |term: &&Term| match term {
        Term::Equals(name, _) => ["resourcetype", "name", "resourcegroup", "location"].contains(&name.as_str()),
        Term::Call(..) => false,
    };
    if let Some(other) = terms.iter().find(|term| !known(term)) {
        return Err(other.refuse());
    }
    let most = request.query("$top").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let seen = |found: &ListedResource| {
        let action = READ.iter().find(|(kind, _)| *kind == found.kind).map(|(_, action)| *action);
        action.is_some_and(|action| arm.may(permit.caller(), action, &found.id))
    };
    let value: Vec<Value> = arm
        .resources()
        .iter()
        .filter(|found| scope.covers(&found.id) && terms.iter().all(|term| fits(found, term)) && seen(found))
        .take(most)
        .map(document)
        .collect();
    Ok(json!({"value": value}))
}

fn fits(found: &ListedResource, term: &Term) -> bool {
    let Term::Equals(name, value) = term else { return false };
    let mine = match name.as_str() {
        "resourcetype" => found.kind,
        "name" => found.id.name(),
        "resourcegroup" => found.id.group_name().unwrap_or_default(),
        _ => &found.location,
    };
    mine.eq_ignore_ascii_case(value)
}

fn document(found: &ListedResource) -> Value {
    json!({
        "id": found.id,
        "name": found.id.name(),
        "type": found.kind,
        "location": found.location,
        "tags": found.tags,
    })
}
