//! `Devices_GetTwin`: the twin of a device.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::view::{self, Owner};
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_GetTwin",
    method: Method::Get,
    path: "/twins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/read"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Reads a device twin.",
};

/// Answers the twin: 200, or 404 where there is no such device.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, id) = (permit.resource_key(), request.param("id"));
    let device = hub.device(&key, id)?;
    let at = ids::device_key(&key, id);
    let twin = hub.twins.get(&at).ok_or_else(|| errors::device_not_found(id))?;
    Ok(view::answer(Owner::Device(&device), &twin, hub.presence(&at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{World, named};

    #[tokio::test]
    async fn a_new_twin_is_answered_as_it_was_recorded() {
        let world = World::new();
        let device = world.put_device("dev1", named("dev1")).await;
        let section = json!({"$metadata": {"$lastUpdated": "2026-01-02T03:04:05.678Z"}, "$version": 1});
        let expected = json!({
            "deviceId": "dev1", "etag": "AAAAAAAAAAE=", "deviceEtag": device["etag"], "status": "enabled",
            "statusUpdateTime": "0001-01-01T00:00:00Z", "connectionState": "Disconnected",
            "lastActivityTime": "0001-01-01T00:00:00Z", "cloudToDeviceMessageCount": 0, "authenticationType": "sas",
            "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}, "version": 2,
            "properties": {"desired": section, "reported": section}, "capabilities": {"iotEdge": false},
        });
        assert_eq!(world.twin("dev1").await, expected);
    }

    #[tokio::test]
    async fn an_unknown_device_has_no_twin() {
        let error = World::new().call(OPERATION.name, &[("id", "dev1")], &[], None).await.unwrap_err();
        assert_eq!(error.code, &errors::DEVICE_NOT_FOUND);
    }
}
