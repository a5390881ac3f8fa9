//! `Modules_GetIdentity`: one module identity.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::device::Occasion;
use crate::{Hub, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_GetIdentity",
    method: Method::Get,
    path: "/devices/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Reads a module identity.",
};

/// Answers the module: 200, or 404 where there is no such device or module.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, device_id, id) = (permit.resource_key(), request.param("id"), request.param("mid"));
    let module = hub.module(&key, device_id, id)?;
    Ok(module.answer(Occasion::Later, hub.presence(&ids::module_key(&key, device_id, id))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn a_module_is_read_as_it_was_recorded() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let created = world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let answer = world.call(OPERATION.name, &[("id", "dev1"), ("mid", "mod1")], &[], None).await.unwrap();
        let read = fixture::json(&answer);
        assert_eq!(created["lastActivityTime"], "0001-01-01T00:00:00");
        assert_eq!(read["lastActivityTime"], "0001-01-01T00:00:00Z");
        assert_eq!(read["authentication"], created["authentication"]);
        assert_eq!(read["managedBy"], json!(null));
        assert!(read.get("status").is_none());
        assert_eq!(fixture::header(&answer, "etag"), None);
    }

    #[tokio::test]
    async fn an_unknown_device_and_an_unknown_module_are_told_apart() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let module = world.call(OPERATION.name, &[("id", "dev1"), ("mid", "m")], &[], None).await.unwrap_err();
        assert_eq!(module.code, &errors::MODULE_NOT_FOUND);
        let device = world.call(OPERATION.name, &[("id", "dev2"), ("mid", "m")], &[], None).await.unwrap_err();
        assert_eq!(device.code, &errors::DEVICE_NOT_FOUND);
    }
}
