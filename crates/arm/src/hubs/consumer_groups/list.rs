//! Lists the consumer groups of the built-in endpoint.
//! Source: 2023-06-30; `$Default` is always there.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::{all, document, find};
use crate::Arm;

/// `IotHubResource_ListEventHubConsumerGroups`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_ListEventHubConsumerGroups",
    method: Method::Get,
    path: groups_path!(""),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/eventHubEndpoints/consumerGroups/Read" },
    support: Support::Served,
    summary: "Lists the consumer groups of a hub's built-in endpoint.",
};

/// Answers 200 with `$Default` and the others.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let value: Vec<_> = all(&hub).map(|(name, created_at)| document(&hub, name, created_at)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use super::super::testing::standing;
    use crate::testing::json;

    #[tokio::test]
    async fn the_default_group_is_always_there() {
        let (world, path) = standing().await;
        let listed = json(&world.get(&path).await.unwrap());
        assert_eq!(listed["value"][0]["name"], "$Default");
        assert!(listed["value"][0]["id"].as_str().unwrap().ends_with("/%24Default"));
        let other = path.replace("/events/", "/others/");
        assert_eq!(world.get(&other).await.unwrap_err().code.status, 404);
    }
}
