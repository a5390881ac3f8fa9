//! Reads a consumer group of the built-in endpoint.
//! Source: 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{DEFAULT, document, require_endpoint, unknown};
use crate::Arm;
use crate::hubs::find;

/// `IotHubResource_GetEventHubConsumerGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetEventHubConsumerGroup",
    method: Method::Get,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/eventHubEndpoints/{eventHubEndpointName}/ConsumerGroups/{name}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/eventHubEndpoints/consumerGroups/Read" },
    support: Support::Served,
    summary: "Reads a consumer group of a hub's built-in endpoint.",
};

/// Answers 200 with the group; names compare without case.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    require_endpoint(&request)?;
    let name = request.param("name");
    if name.eq_ignore_ascii_case(DEFAULT) {
        return Ok(Answer::ok(&document(&hub, DEFAULT, hub.created_at)));
    }
    let found = hub.events.consumer_groups.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let (name, created_at) = found.ok_or_else(|| unknown(name))?;
    Ok(Answer::ok(&document(&hub, name, *created_at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    async fn standing() -> (World, String) {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        (world, format!("{path}/eventHubEndpoints/events/ConsumerGroups"))
    }

    #[tokio::test]
    async fn a_group_is_read_by_its_name() {
        let (world, path) = standing().await;
        world.put(&format!("{path}/Readers"), json!({"properties": {"name": "Readers"}})).await.unwrap();
        let found = json(&world.get(&format!("{path}/readers")).await.unwrap());
        assert_eq!(found["properties"]["created"], "Sun, 22 Nov 2026 12:00:00 GMT");
        assert_eq!(json(&world.get(&format!("{path}/$Default")).await.unwrap())["name"], "$Default");
        assert_eq!(world.get(&format!("{path}/none")).await.unwrap_err().code.status, 404);
    }
}
