//! `Devices_GetIdentity`: one device identity.
//!
//! Source: IoT Hub data plane 2021-04-12. One look-up and one writing of the answer: it is the hub's most frequent read.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::devices::legacy;
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_GetIdentity",
    method: Method::Get,
    path: "/devices/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/read"], rights: &[Right::RegistryRead] },
    support: Support::Served,
    summary: "Reads a device identity.",
};

/// Answers the device: 200, or 404 where there is none.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = request.param("id");
    let key = ids::device_key(&permit.resource_key(), id);
    let device = hub.devices.get(&key).ok_or_else(|| errors::device_not_found(id))?;
    let presence = hub.presence(&key);
    if request.api_version == versions::FIRST {
        return Ok(legacy::answer(&device, presence));
    }
    Ok(hub.readings.answer(&device.value, presence))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::errors;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn a_device_is_read_as_it_was_recorded() {
        let world = World::new();
        let created = world.put_device("dev1", named("dev1")).await;
        let answer = world.call("Devices_GetIdentity", &[("id", "dev1")], &[], None).await.unwrap();
        let mut expected = created.clone();
        for time in ["connectionStateUpdatedTime", "statusUpdatedTime", "lastActivityTime"] {
            assert_eq!(created[time], "0001-01-01T00:00:00");
            expected[time] = json!("0001-01-01T00:00:00Z");
        }
        expected.as_object_mut().unwrap().remove("parentScopes");
        assert_eq!(fixture::json(&answer), expected);
        assert_eq!(fixture::header(&answer, "etag"), Some(&*fixture::quoted(&created)));
        assert_eq!(answer.status, 200);
    }

    #[tokio::test]
    async fn an_unknown_device_is_refused_by_its_bare_id() {
        let error = World::new().call("Devices_GetIdentity", &[("id", "dev1")], &[], None).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (&errors::DEVICE_NOT_FOUND, "dev1"));
    }

    #[tokio::test]
    async fn ids_differ_by_case() {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        assert!(world.call("Devices_GetIdentity", &[("id", "Dev1")], &[], None).await.is_err());
    }
}
