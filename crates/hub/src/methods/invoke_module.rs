//! `Modules_InvokeMethod`: calls a direct method of a module.
//!
//! Source: IoT Hub data plane 2021-04-12; as for devices.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::methods::call;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_InvokeMethod",
    method: Method::Post,
    path: "/twins/{deviceId}/modules/{moduleId}/methods",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/directMethods/invoke/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Calls a direct method of a module.",
};

/// Refuses: 400 what is wrong, 404001 and 404010 who is unknown, 404103 who is not connected.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let called = call::read(&request)?;
    let (device, module) = (request.param("deviceId"), request.param("moduleId"));
    let answer = call::invoke(hub, &permit.resource_key(), device, Some(module), &called).await?;
    Ok(Answer::ok(&answer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::{World, named};

    #[tokio::test]
    async fn a_module_must_be_known_and_is_not_connected() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        for (device, module, code) in [
            ("dev1", "mod1", &errors::DEVICE_NOT_ONLINE),
            ("dev1", "mod2", &errors::MODULE_NOT_FOUND),
            ("dev2", "mod1", &errors::DEVICE_NOT_FOUND),
        ] {
            let params = [("deviceId", device), ("moduleId", module)];
            let error = world.call(OPERATION.name, &params, &[], json!({"methodName": "m"})).await.unwrap_err();
            assert_eq!(error.code, code);
        }
    }
}
