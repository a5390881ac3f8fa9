//! An instance as answers have it.
//!
//! Source: `DigitalTwinsDescription` of 2023-01-31 and recorded answers.

use iolite_kernel::iso_seven_digits;
use iolite_resources::TwinsInstance;
use serde_json::{Map, Value, json};

use crate::{Arm, managed_identity};

/// The instance as GET, PUT, PATCH and the listings answer it.
pub(crate) fn document(arm: &Arm, instance: &TwinsInstance) -> Value {
    let mut document = json!({
        "id": instance.id,
        "name": instance.id.name(),
        "type": TwinsInstance::TYPE,
        "location": instance.location,
        "tags": instance.tags,
        "properties": properties(arm, instance),
        "systemData": {
            "createdAt": iso_seven_digits(instance.created_at),
            "lastModifiedAt": iso_seven_digits(instance.changed_at),
        },
    });
    // An instance without an identity has no block at all, as recorded.
    if instance.identity.is_some() {
        document["identity"] = managed_identity::document(&arm.estate, instance.identity.as_ref(), ",");
    }
    document
}

fn properties(arm: &Arm, instance: &TwinsInstance) -> Value {
    let mut properties = Map::new();
    properties.insert("publicNetworkAccess".to_owned(), json!("Enabled"));
    properties.extend(instance.other_properties.clone());
    let dialled = arm.surroundings.endpoints.host_of(&instance.id);
    let fixed = json!({
        "createdTime": iso_seven_digits(instance.created_at),
        "lastUpdatedTime": iso_seven_digits(instance.changed_at),
        "provisioningState": "Succeeded",
        "hostName": dialled.as_deref().unwrap_or(&instance.host_name),
        "privateEndpointConnections": [],
    });
    if let Value::Object(fixed) = fixed {
        properties.extend(fixed);
    }
    Value::Object(properties)
}
