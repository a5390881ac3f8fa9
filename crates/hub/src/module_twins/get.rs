//! `Modules_GetTwin`: the twin of a module.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: as a device twin, without capabilities.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::view::{self, Owner};
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_GetTwin",
    method: Method::Get,
    path: "/twins/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/read"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Reads a module twin.",
};

/// Answers the twin: 200, or 404 where there is no such device or module.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, device_id, id) = (permit.resource_key(), request.param("id"), request.param("mid"));
    let module = hub.module(&key, device_id, id)?;
    let at = ids::module_key(&key, device_id, id);
    let twin = hub.twins.get(&at).ok_or_else(|| errors::module_not_found(device_id, id))?;
    Ok(view::answer(Owner::Module(&module), &twin, hub.presence(&at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn a_new_module_twin_is_answered_as_it_was_recorded() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let module = world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let answer = world.call(OPERATION.name, &[("id", "dev1"), ("mid", "mod1")], &[], None).await.unwrap();
        let section = json!({"$metadata": {"$lastUpdated": "0001-01-01T00:00:00Z"}, "$version": 1});
        let expected = json!({
            "deviceId": "dev1", "moduleId": "mod1", "etag": "AAAAAAAAAAE=", "deviceEtag": module["etag"],
            "status": "enabled", "statusUpdateTime": "0001-01-01T00:00:00Z", "connectionState": "Disconnected",
            "lastActivityTime": "0001-01-01T00:00:00Z", "cloudToDeviceMessageCount": 0, "authenticationType": "sas",
            "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "version": 2,
            "properties": {"desired": section, "reported": section},
        });
        assert_eq!(fixture::json(&answer), expected);
    }

    #[tokio::test]
    async fn an_unknown_module_has_no_twin() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        let error = world.call(OPERATION.name, &[("id", "dev1"), ("mid", "m")], &[], None).await.unwrap_err();
        assert_eq!(error.code, &errors::MODULE_NOT_FOUND);
    }
}
