//! The actions that roles are made of, derived from the operations that the process knows.

pub(crate) mod get;
pub(crate) mod list;

use std::collections::BTreeMap;

use iolite_kernel::{Need, Operation};
use serde_json::{Value, json};

/// One action of one provider.
pub(crate) struct Action {
    /// `Microsoft.Devices/IotHubs/devices/read`
    pub(crate) name: &'static str,
    /// Whether it is a data action.
    pub(crate) data: bool,
    /// What the first operation that needs it does.
    pub(crate) summary: &'static str,
}

/// Published data actions that no operation asks for: roles can name them all the same.
///
/// Source: the permissions page of Internet of Things, 2026.
const WITHOUT_OPERATION: [Action; 4] = [
    data_action("Microsoft.DigitalTwins/digitaltwins/commands/action", "Invokes a command of a twin."),
    data_action("Microsoft.DigitalTwins/jobs/import/read", "Reads import jobs."),
    data_action("Microsoft.DigitalTwins/jobs/delete/read", "Reads deletion jobs."),
    data_action("Microsoft.DigitalTwins/jobs/delete/write", "Starts a deletion job."),
];

const fn data_action(name: &'static str, summary: &'static str) -> Action {
    Action { name, data: true, summary }
}

/// The actions of the provider `namespace`, each once, in the order of their names.
pub(crate) fn actions(operations: &[&'static Operation], namespace: &str) -> Vec<Action> {
    let needed = operations.iter().flat_map(|operation| {
        let data = matches!(operation.need, Need::DataPlane { .. });
        operation.need.actions().iter().map(move |name| Action { name, data, summary: operation.summary })
    });
    let mut found: BTreeMap<String, Action> = BTreeMap::new();
    for action in needed.chain(WITHOUT_OPERATION) {
        if action.name.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(namespace)) {
            found.entry(action.name.to_ascii_lowercase()).or_insert(action);
        }
    }
    found.into_values().collect()
}

/// A provider with its actions, by resource type.
///
/// Source: `ProviderOperationsMetadata` of 2022-04-01. Actions of the provider itself (a single word after the
/// namespace) stand outside the types.
pub(crate) fn document(operations: &[&'static Operation], namespace: &str) -> Value {
    let mut types: BTreeMap<String, (String, Vec<Value>)> = BTreeMap::new();
    let mut own = Vec::new();
    for action in actions(operations, namespace) {
        let middle = action.name.split('/').skip(1).collect::<Vec<_>>();
        let words =
            middle.len().saturating_sub(if action.name.to_ascii_lowercase().ends_with("/action") { 2 } else { 1 });
        let entry = json!({
            "name": action.name,
            "displayName": action.summary.trim_end_matches('.'),
            "description": action.summary,
            "origin": "user,system",
            "properties": null,
            "isDataAction": action.data,
        });
        let kind = middle[..words].join("/");
        if kind.is_empty() {
            own.push(entry);
        } else {
            types.entry(kind.to_ascii_lowercase()).or_insert_with(|| (kind, Vec::new())).1.push(entry);
        }
    }
    let types: Vec<Value> = types
        .into_values()
        .map(|(name, operations)| json!({"name": name, "displayName": name, "operations": operations}))
        .collect();
    json!({
        "id": format!("/providers/Microsoft.Authorization/providerOperations/{namespace}"),
        "name": namespace,
        "type": "Microsoft.Authorization/providerOperations",
        "displayName": namespace,
        "resourceTypes": types,
        "operations": own,
    })
}
