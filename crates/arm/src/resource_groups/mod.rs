//! Resource groups.

pub(crate) mod check_existence;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod put;

use iolite_resources::ResourceGroup;
use serde_json::{Value, json};

/// A group as answers have it.
pub(crate) fn document(group: &ResourceGroup) -> Value {
    json!({
        "id": group.id,
        "name": group.id.name(),
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": group.tags,
        "properties": {"provisioningState": "Succeeded"},
    })
}
