//! `Modules_GetModulesOnDevice`: all modules of a device.
//!
//! Source: IoT Hub data plane 2021-04-12. There are fifty at most, so there is no paging.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Hub, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_GetModulesOnDevice",
    method: Method::Get,
    path: "/devices/{id}/modules",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Lists the modules of a device.",
};

/// Answers the modules in the order of their ids: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, id) = (permit.resource_key(), request.param("id"));
    hub.device(&key, id)?;
    let modules = hub.modules.all(&format!("{}/", ids::device_key(&key, id)));
    let items: Vec<_> = modules.iter().map(|(key, module)| module.item(hub.presence(key))).collect();
    Ok(Answer::ok(&items))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn only_the_device_s_own_modules_are_listed() {
        let world = World::new();
        for (device, module) in [("dev1", "b"), ("dev10", "x"), ("dev1", "a")] {
            if world.hub.device(World::KEY, device).is_err() {
                world.put_device(device, named(device)).await;
            }
            world.put_module(device, module, json!({"deviceId": device, "moduleId": module})).await;
        }
        let answer = world.call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap();
        let ids: Vec<_> =
            fixture::json(&answer).as_array().unwrap().iter().map(|item| item["moduleId"].clone()).collect();
        assert_eq!(ids, ["a", "b"]);
        let unknown = world.call(OPERATION.name, &[("id", "dev2")], &[], None).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
    }
}
