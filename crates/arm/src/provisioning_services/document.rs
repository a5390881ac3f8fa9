//! A provisioning service as answers have it.
//!
//! Source: `ProvisioningServiceDescription` of 2022-12-12 and recorded answers, which have `subscriptionid` and
//! `resourcegroup` besides. Keys are in `listkeys` alone.

use iolite_kernel::iso_seven_digits;
use iolite_resources::{AllocationPolicy, ProvisioningService};
use iolite_store::Versioned;
use serde_json::{Value, json};

use super::linked_hub;
use crate::etag::etag;
use crate::{Arm, managed_identity, masking};

/// The service as GET, PUT, PATCH and the listings answer it.
pub(crate) fn document(arm: &Arm, service: &Versioned<ProvisioningService>) -> Value {
    json!({
        "id": service.id,
        "name": service.id.name(),
        "type": ProvisioningService::TYPE,
        "location": service.location,
        "tags": service.tags,
        "subscriptionid": service.id.subscription_id(),
        "resourcegroup": service.id.group_name(),
        "etag": etag(service.revision),
        "properties": properties(arm, service),
        "sku": {"name": "S1", "tier": "Standard", "capacity": service.capacity},
        "identity": managed_identity::document(&arm.estate, service.identity.as_ref(), ","),
        "systemData": {"createdAt": iso_seven_digits(service.created_at)},
    })
}

fn properties(arm: &Arm, service: &ProvisioningService) -> Value {
    let mut properties = service.other_properties.clone();
    masking::mask_all(&mut properties);
    let endpoints = &arm.surroundings.endpoints;
    let devices = || "global.azure-devices-provisioning.net".to_owned();
    let fixed = json!({
        "state": "Active",
        "provisioningState": "Succeeded",
        "iotHubs": service.linked_hubs.iter().map(linked_hub::document).collect::<Vec<_>>(),
        "allocationPolicy": match service.allocation_policy {
            AllocationPolicy::Hashed => "Hashed",
            AllocationPolicy::GeoLatency => "GeoLatency",
            AllocationPolicy::Static => "Static",
        },
        "serviceOperationsHostName": endpoints.host_of(&service.id).unwrap_or_else(|| service.host_name.clone()),
        "deviceProvisioningHostName": endpoints.device_provisioning_host_of(&service.id).unwrap_or_else(devices),
        "idScope": service.id_scope,
    });
    if let Value::Object(fixed) = fixed {
        properties.extend(fixed);
    }
    Value::Object(properties)
}
