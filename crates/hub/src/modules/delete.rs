//! `Modules_DeleteIdentity`: removes a module with its twin.
//!
//! Source: IoT Hub data plane 2021-04-12: `If-Match` as for devices; 204.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Hub, body, etag, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_DeleteIdentity",
    method: Method::Delete,
    path: "/devices/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/delete"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Removes a module identity with its twin.",
};

/// Removes the module: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let precondition = body::required_if_match(&request)?;
    let (device_id, id) = (request.param("id"), request.param("mid"));
    hub.change(&permit.resource_key(), |registry| {
        etag::require(&precondition, &registry.module(device_id, id)?.etag())?;
        registry.delete_module(device_id, id);
        Ok(())
    })
    .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{World, named};

    #[tokio::test]
    async fn a_module_goes_with_its_twin_and_leaves_its_device() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let params = [("id", "dev1"), ("mid", "mod1")];
        let stale = world.call(OPERATION.name, &params, &[("if-match", "\"MQ==\"")], None).await.unwrap_err();
        assert_eq!(stale.code, &errors::PRECONDITION_FAILED);
        let answer = world.call(OPERATION.name, &params, &[("if-match", "*")], None).await.unwrap();
        assert_eq!(answer, Answer::no_content());
        assert_eq!((world.hub.modules.count(""), world.hub.twins.count(""), world.hub.devices.count("")), (0, 1, 1));
        let again = world.call(OPERATION.name, &params, &[("if-match", "*")], None).await.unwrap_err();
        assert_eq!(again.code, &errors::MODULE_NOT_FOUND);
    }
}
