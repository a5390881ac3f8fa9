//! Reads a Digital Twins instance.
//! Source: 2023-01-31.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::document;
use super::find;
use crate::Arm;

/// `DigitalTwins_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_Get",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/digitalTwinsInstances/read" },
    support: Support::Served,
    summary: "Reads a Digital Twins instance.",
};

/// Answers 200 with the instance.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&document(arm, &*find(arm, &request)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn an_instance_is_read_with_a_host_that_can_be_dialled() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        world.put(&path, json!({"location": "westeurope"})).await.unwrap();
        let found = json(&world.get(&path).await.unwrap());
        assert_eq!(found["properties"]["hostName"], "localhost:8443");
        assert_eq!(found["properties"]["publicNetworkAccess"], "Enabled");
        assert_eq!(found["properties"]["createdTime"], "2026-11-22T12:00:00.0000000Z");
        assert_eq!(world.get(&path.replace("twins1", "none")).await.unwrap_err().code.name, "ResourceNotFound");
    }
}
