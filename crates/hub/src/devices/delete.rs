//! `Devices_DeleteIdentity`: removes a device with its modules and twins.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: `If-Match` says which etag may go; 204.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Hub, body, etag, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_DeleteIdentity",
    method: Method::Delete,
    path: "/devices/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/delete"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Removes a device identity with its modules and twins.",
};

/// Removes the device: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let precondition = body::required_if_match(&request)?;
    let id = request.param("id");
    hub.change(&permit.resource_key(), |registry| {
        etag::require(&precondition, &registry.device(id)?.etag())?;
        registry.delete_device(id);
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
    use crate::fixture::{World, named, quoted};

    #[tokio::test]
    async fn a_device_goes_with_its_modules_and_twins() {
        let world = World::new();
        let device = world.put_device("dev1", named("dev1")).await;
        world.put_device("dev10", named("dev10")).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let headers = [("if-match", &*quoted(&device))];
        let answer = world.call(OPERATION.name, &[("id", "dev1")], &headers, None).await.unwrap();
        assert_eq!(answer, Answer::no_content());
        let hub = &world.hub;
        assert_eq!((hub.devices.count(""), hub.modules.count(""), hub.twins.count("")), (1, 0, 1));
    }

    #[tokio::test]
    async fn the_etag_must_be_given_and_current() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let without = world.call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap_err();
        assert_eq!(without.code, &errors::ARGUMENT_NULL);
        let stale = world.call(OPERATION.name, &[("id", "dev1")], &[("if-match", "\"MQ==\"")], None).await.unwrap_err();
        assert_eq!(stale.code, &errors::PRECONDITION_FAILED);
        let unknown = world.call(OPERATION.name, &[("id", "dev2")], &[("if-match", "*")], None).await.unwrap_err();
        assert_eq!(unknown.code, &errors::DEVICE_NOT_FOUND);
        assert_eq!(world.hub.devices.count(""), 1);
    }
}
