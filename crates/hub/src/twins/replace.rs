//! `Devices_ReplaceTwin`: puts tags and desired properties in the place of a device twin's.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::change_body::{self, Manner};
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_ReplaceTwin",
    method: Method::Put,
    path: "/twins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/write"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Replaces a device twin's tags and desired properties.",
};

/// Replaces both sections: 200 with the twin.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    change_body::of_device(hub, &permit.resource_key(), &request, Manner::Replace).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn both_sections_are_replaced_whole() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let before = json!({"tags": {"a": 1}, "properties": {"desired": {"x": 1, "y": {"z": 2}}}});
        world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], before).await.unwrap();
        let sent = json!({"properties": {"desired": {"y": {"w": 3}, "$version": 7}}});
        let answer = world.call(OPERATION.name, &[("id", "dev1")], &[("if-match", "*")], sent).await.unwrap();
        let twin = fixture::json(&answer);
        assert!(twin.get("tags").is_none());
        let desired = &twin["properties"]["desired"];
        assert_eq!((desired.get("x"), &desired["y"], &desired["$version"]), (None, &json!({"w": 3}), &json!(3)));
        assert!(desired["$metadata"].get("x").is_none() && desired["$metadata"]["y"].get("z").is_none());
    }

    #[tokio::test]
    async fn a_stale_etag_is_refused() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let headers = [("if-match", "\"AAAAAAAAAAk=\"")];
        let error = world.call(OPERATION.name, &[("id", "dev1")], &headers, json!({})).await.unwrap_err();
        assert_eq!(error.code, &errors::PRECONDITION_FAILED);
    }
}
