//! `Devices_InvokeMethod`: calls a direct method of a device.
//!
//! Source: IoT Hub data plane 2021-04-12; recorded refusals are in the gateway's form.
//! A device is asked through its session; one without a session that takes methods is not online.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::methods::call;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_InvokeMethod",
    method: Method::Post,
    path: "/twins/{deviceId}/methods",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/directMethods/invoke/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Calls a direct method of a device.",
};

/// Answers what the device answered: 200. Refuses: 400 what is wrong, 404001 who is unknown, 404103 who is not connected,
/// 504101 who does not answer.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let called = call::read(&request)?;
    let answer = call::invoke(hub, &permit.resource_key(), request.param("deviceId"), None, &called).await?;
    Ok(Answer::ok(&answer))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::errors;
    use crate::fixture::{World, named};

    async fn call(world: &World, id: &str, body: Value) -> ServiceError {
        world.call(OPERATION.name, &[("deviceId", id)], &[], body).await.unwrap_err()
    }

    fn right() -> Value {
        json!({"methodName": "reboot", "payload": {"delay": 1}, "responseTimeoutInSeconds": 5, "connectTimeoutInSeconds": 0})
    }

    #[tokio::test]
    async fn a_device_that_is_not_connected_is_told_from_one_that_is_not_known() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let error = call(&world, "dev1", right()).await;
        assert_eq!(error.code, &errors::DEVICE_NOT_ONLINE);
        let unknown = call(&world, "dev2", right()).await;
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
    }

    #[tokio::test]
    async fn a_call_that_is_wrong_is_refused_before_the_device_is_looked_for() {
        let world = World::new();
        for (body, code) in [
            (json!({}), &errors::ARGUMENT_NULL),
            (json!({"methodName": ""}), &errors::ARGUMENT_NULL),
            (json!({"methodName": 1}), &errors::ARGUMENT_INVALID),
            (json!({"methodName": "m", "responseTimeoutInSeconds": 4}), &errors::ARGUMENT_INVALID),
            (json!({"methodName": "m", "responseTimeoutInSeconds": 301}), &errors::ARGUMENT_INVALID),
            (json!({"methodName": "m", "connectTimeoutInSeconds": -1}), &errors::ARGUMENT_INVALID),
            (json!({"methodName": "m", "payload": "x".repeat(131_073)}), &errors::MESSAGE_TOO_LARGE),
        ] {
            assert_eq!(call(&world, "nobody", body.clone()).await.code, code);
        }
    }
}
