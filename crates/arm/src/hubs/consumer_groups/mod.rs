//! Consumer groups of a hub's built-in Event Hubs-compatible endpoint.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;

use iolite_kernel::{Request, ServiceError, Timestamp, rfc_1123};
use iolite_resources::Hub;
use serde_json::{Value, json};

use crate::errors::DEVICES_NOT_FOUND;

/// The group that every endpoint has.
pub(crate) const DEFAULT: &str = "$Default";

/// A consumer group as recorded answers have it: no etag, the date inside the properties.
pub(crate) fn document(hub: &Hub, name: &str, created_at: Timestamp) -> Value {
    let segment = name.replace('$', "%24");
    json!({
        "id": format!("{}/eventHubEndpoints/events/ConsumerGroups/{segment}", hub.id),
        "name": name,
        "type": "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups",
        "etag": null,
        "properties": {"created": rfc_1123(created_at)},
    })
}

/// Refuses an endpoint other than the built-in one, `events`.
pub(crate) fn require_endpoint(request: &Request) -> Result<(), ServiceError> {
    let name = request.param("eventHubEndpointName");
    if name.eq_ignore_ascii_case("events") {
        return Ok(());
    }
    Err(ServiceError::new(&DEVICES_NOT_FOUND, format!("The hub has no Event Hubs-compatible endpoint '{name}'.")))
}

/// The refusal of a consumer group that is not there.
pub(crate) fn unknown(name: &str) -> ServiceError {
    ServiceError::new(&DEVICES_NOT_FOUND, format!("The endpoint has no consumer group '{name}'."))
}
