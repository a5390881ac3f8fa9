//! `Modules_UpdateTwin`: merges into the tags and desired properties of a module twin.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: as for device twins; a stale etag names the device.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::change_body::{self, Manner};
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_UpdateTwin",
    method: Method::Patch,
    path: "/twins/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/write"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Merges into a module twin's tags and desired properties.",
};

/// Changes the twin: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    change_body::of_module(hub, &permit.resource_key(), &request, Manner::Merge).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn a_module_twin_changes_beside_its_device_s() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let before = world.twin("dev1").await;
        let params = [("id", "dev1"), ("mid", "mod1")];
        let headers = [("if-match", "\"AAAAAAAAAAE=\"")];
        let body = json!({"properties": {"desired": {"username": "userA"}}});
        let answer = world.call(OPERATION.name, &params, &headers, body.clone()).await.unwrap();
        let twin = fixture::json(&answer);
        assert_eq!((&twin["moduleId"], &twin["version"]), (&json!("mod1"), &json!(3)));
        assert_eq!(twin["properties"]["desired"]["$metadata"]["username"]["$lastUpdatedVersion"], 2);
        assert_eq!(world.twin("dev1").await, before);
        let stale = world.call(OPERATION.name, &params, &headers, body).await.unwrap_err();
        assert_eq!((stale.code, &*stale.message), (&errors::PRECONDITION_FAILED, "ETag mismatch for device ID 'dev1'"));
    }
}
