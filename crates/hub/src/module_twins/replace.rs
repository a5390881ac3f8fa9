//! `Modules_ReplaceTwin`: puts tags and desired properties in the place of a module twin's.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::change_body::{self, Manner};
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_ReplaceTwin",
    method: Method::Put,
    path: "/twins/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/write"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Replaces a module twin's tags and desired properties.",
};

/// Replaces both sections: 200 with the twin.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    change_body::of_module(hub, &permit.resource_key(), &request, Manner::Replace).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn what_was_there_goes() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let params = [("id", "dev1"), ("mid", "mod1")];
        for (sent, expected) in [(json!({"tags": {"a": 1}}), Some(json!({"a": 1}))), (json!({}), None)] {
            let answer = world.call(OPERATION.name, &params, &[], sent).await.unwrap();
            assert_eq!(fixture::json(&answer).get("tags").cloned(), expected);
        }
        let error = world.call(OPERATION.name, &[("id", "dev1"), ("mid", "m")], &[], json!({})).await.unwrap_err();
        assert_eq!(error.code, &errors::MODULE_NOT_FOUND);
    }
}
