//! Tells how a hub's routing endpoints are doing.
//! Source: `EndpointHealthData` of 2023-06-30. The built-in endpoint is not among them.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support, rfc_1123};
use iolite_resources::EndpointHealth;
use serde_json::{Map, Value, json};

use super::find;
use crate::Arm;

/// `IotHubResource_GetEndpointHealth`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_GetEndpointHealth",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{iotHubName}/routingEndpointsHealth"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/routingEndpointsHealth/Read" },
    support: Support::Served,
    summary: "Tells how a hub's routing endpoints are doing.",
};

/// Answers 200 with one entry for each endpoint.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let health = arm.events.endpoint_health(&hub.id.name().to_ascii_lowercase());
    Ok(Answer::ok(&json!({"value": health.iter().map(document).collect::<Vec<_>>()})))
}

fn document(health: &EndpointHealth) -> Value {
    let mut found = Map::new();
    found.insert("endpointId".to_owned(), health.endpoint_id.as_str().into());
    found.insert("healthStatus".to_owned(), health.status.into());
    if let Some(error) = &health.last_error {
        found.insert("lastKnownError".to_owned(), error.as_str().into());
    }
    for (name, at) in [
        ("lastKnownErrorTime", health.last_error_at),
        ("lastSuccessfulSendAttemptTime", health.last_success_at),
        ("lastSendAttemptTime", health.last_attempt_at),
    ] {
        if let Some(at) = at {
            found.insert(name.to_owned(), rfc_1123(at).into());
        }
    }
    Value::Object(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn what_the_hub_knows_is_told() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        world.put(&path, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        let answer = world.get(&format!("{path}/routingEndpointsHealth")).await.unwrap();
        let expected = json!({"value": [
            {"endpointId": "1", "healthStatus": "healthy", "lastSuccessfulSendAttemptTime": "Sun, 22 Nov 2026 12:00:00 GMT"},
            {"endpointId": "2", "healthStatus": "unhealthy", "lastKnownError": "gone"},
        ]});
        assert_eq!(json(&answer), expected);
        assert_eq!(world.get(&format!("{path}x/routingEndpointsHealth")).await.unwrap_err().code.status, 404);
    }
}
