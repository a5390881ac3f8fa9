//! A hub as answers have it.
//!
//! Source: `IotHubDescription` of 2023-06-30 and recorded answers, which have `subscriptionid` and `resourcegroup` besides;
//! `az iot` cannot do without them. Keys are in `listkeys` alone.

use iolite_kernel::iso_seven_digits;
use iolite_resources::{Hub, HubSku};
use iolite_store::Versioned;
use serde_json::{Map, Value, json};

use crate::etag::etag;
use crate::location::with_pair;
use crate::{Arm, managed_identity, masking};

/// The hub as GET, PUT, PATCH and the listings answer it.
pub(crate) fn document(arm: &Arm, hub: &Versioned<Hub>) -> Value {
    json!({
        "id": hub.id,
        "name": hub.id.name(),
        "type": Hub::TYPE,
        "location": hub.location,
        "tags": hub.tags,
        "subscriptionid": hub.id.subscription_id(),
        "resourcegroup": hub.id.group_name(),
        "etag": etag(hub.revision),
        "properties": properties(arm, hub),
        "sku": sku(&hub.sku),
        "identity": managed_identity::document(&arm.estate, hub.identity.as_ref(), ", "),
        "systemData": {"createdAt": iso_seven_digits(hub.created_at)},
    })
}

/// `F1` is free, `S…` standard, `B…` basic.
pub(crate) fn sku(sku: &HubSku) -> Value {
    json!({"name": sku.name, "tier": tier(&sku.name), "capacity": sku.capacity})
}

/// The tier of a sku's name.
pub(crate) fn tier(name: &str) -> &'static str {
    match name.chars().next() {
        Some('F') => "Free",
        Some('B') => "Basic",
        _ => "Standard",
    }
}

fn properties(arm: &Arm, hub: &Hub) -> Value {
    let mut properties = defaults();
    let mut kept = hub.other_properties.clone();
    masking::mask_all(&mut kept);
    properties.extend(kept);
    let dialled = arm.surroundings.endpoints.host_of(&hub.id);
    let fixed = json!({
        "locations": locations(hub),
        "state": "Active",
        "provisioningState": "Succeeded",
        "hostName": dialled.as_deref().unwrap_or(&hub.host_name),
        "disableLocalAuth": hub.disable_local_auth,
        "disableDeviceSAS": hub.disable_device_sas,
        "disableModuleSAS": hub.disable_module_sas,
        "eventHubEndpoints": {"events": events(arm, hub)},
    });
    if let Value::Object(fixed) = fixed {
        properties.extend(fixed);
    }
    Value::Object(properties)
}

/// Where the hub is, and where Azure would let it fail over to; nowhere, where its data must not leave the region.
fn locations(hub: &Hub) -> Vec<Value> {
    let stays = hub.other_properties.get("enableDataResidency").and_then(Value::as_bool).unwrap_or_default();
    let (here, pair) = with_pair(&hub.location);
    let mut locations = vec![json!({"location": here, "role": "primary"})];
    if let Some(pair) = pair.filter(|_| !stays) {
        locations.push(json!({"location": pair, "role": "secondary"}));
    }
    locations
}

fn events(arm: &Arm, hub: &Hub) -> Value {
    let own = || format!("sb://{}/", hub.host_name);
    let partitions: Vec<String> = (0..hub.events.partition_count).map(|partition| partition.to_string()).collect();
    json!({
        "retentionTimeInDays": hub.events.retention_days,
        "partitionCount": hub.events.partition_count,
        "partitionIds": partitions,
        "path": hub.events.path,
        "endpoint": arm.surroundings.endpoints.event_hub_endpoint(&hub.id).unwrap_or_else(own),
    })
}

/// What recorded answers of hubs have that nobody configured.
fn defaults() -> Map<String, Value> {
    let lock = json!({"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10});
    let defaults = json!({
        "ipFilterRules": [],
        "routing": {
            "endpoints": {"serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": []},
            "routes": [],
            "fallbackRoute": {
                "name": "$fallback", "source": "DeviceMessages", "condition": "true",
                "endpointNames": ["events"], "isEnabled": true,
            },
        },
        "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}},
        "messagingEndpoints": {"fileNotifications": lock},
        "enableFileUploadNotifications": false,
        "cloudToDevice": {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": lock},
        "features": "None",
        "allowedFqdnList": [],
    });
    match defaults {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
