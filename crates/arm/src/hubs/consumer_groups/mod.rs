//! Consumer groups of a hub's built-in Event Hubs-compatible endpoint.

/// The path of an operation on the consumer groups of a hub's endpoint.
macro_rules! groups_path {
    ($tail:literal) => {
        concat!(
            group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}"),
            "/eventHubEndpoints/{eventHubEndpointName}/ConsumerGroups",
            $tail
        )
    };
}

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;

use iolite_kernel::{Request, ServiceError, Timestamp, rfc_1123};
use iolite_resources::Hub;
use iolite_store::Versioned;
use serde_json::{Value, json};

use crate::Arm;
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

/// The hub that the path names, with its built-in endpoint, `events`; there is no other.
pub(crate) fn find(arm: &Arm, request: &Request) -> Result<Versioned<Hub>, ServiceError> {
    let hub = super::find(arm, request)?;
    let name = request.param("eventHubEndpointName");
    if name.eq_ignore_ascii_case("events") {
        return Ok(hub);
    }
    Err(ServiceError::new(&DEVICES_NOT_FOUND, format!("The hub has no Event Hubs-compatible endpoint '{name}'.")))
}

/// All groups of a hub, each with when it was made; the one that is always there comes first.
pub(crate) fn all(hub: &Hub) -> impl Iterator<Item = (&str, Timestamp)> {
    let others = hub.events.consumer_groups.iter().map(|(name, created_at)| (name.as_str(), *created_at));
    std::iter::once((DEFAULT, hub.created_at)).chain(others)
}

/// The group of a name, which compares without case, as an answer has it.
pub(crate) fn known(hub: &Hub, name: &str) -> Option<Value> {
    let (name, created_at) = all(hub).find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(document(hub, name, created_at))
}

/// The refusal of a consumer group that is not there.
pub(crate) fn unknown(name: &str) -> ServiceError {
    ServiceError::new(&DEVICES_NOT_FOUND, format!("The endpoint has no consumer group '{name}'."))
}

#[cfg(test)]
mod testing {
    use serde_json::json;

    use crate::testing::{GROUP, World};

    /// A world with a hub, and where its consumer groups are.
    pub(super) async fn standing() -> (World, String) {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        (world, format!("{path}/eventHubEndpoints/events/ConsumerGroups"))
    }
}
