//! Reads a consumer group of the built-in endpoint.
//! Source: 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{find, known, unknown};
use crate::Arm;

/// `IotHubResource_GetEventHubConsumerGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetEventHubConsumerGroup",
    method: Method::Get,
    path: groups_path!("/{name}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/eventHubEndpoints/consumerGroups/Read" },
    support: Support::Served,
    summary: "Reads a consumer group of a hub's built-in endpoint.",
};

/// Answers 200 with the group; names compare without case.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let name = request.param("name");
    Ok(Answer::ok(&known(&hub, name).ok_or_else(|| unknown(name))?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::standing;
    use crate::testing::json;

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
