//! `Devices_CreateOrUpdateIdentity`: makes a device, or changes it.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: without `If-Match` it makes (409 where the device is there
//! already), with an etag or `*` it changes (412 where the etag has moved on); 200 either way.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Precondition, Request, Right, Service, ServiceError, Support};
use serde::Deserialize;

use crate::authentication::AuthenticationBody;
use crate::body::{self, Object};
use crate::device::Occasion;
use crate::devices::legacy;
use crate::registry::{CapabilitiesBody, DeviceSpec, FirstTwin, Registry, Status, makes};
use crate::twin::Birth;
use crate::{Device, Hub, errors, etag, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_CreateOrUpdateIdentity",
    method: Method::Put,
    path: "/devices/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/write"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Makes a device identity, or changes the one that is there.",
};

/// The device as sent. Whatever else a client repeats (etag, generation, times) is the service's own and is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceBody {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    status_reason: Option<String>,
    #[serde(default)]
    authentication: Option<Object<AuthenticationBody>>,
    #[serde(default)]
    capabilities: Option<Object<CapabilitiesBody>>,
    #[serde(default)]
    device_scope: Option<String>,
    #[serde(default)]
    parent_scopes: Option<Vec<String>>,
}

/// What of a request is left once it is read.
struct Wanted {
    /// The hub's key.
    hub: String,
    id: String,
    precondition: Precondition,
    spec: DeviceSpec,
    is_first_version: bool,
}

/// Makes or changes the device: 200 with it.
///
/// The request is read, and let go, before the future is made: hundreds may wait for the disk at once, and the less each
/// of them keeps the faster all of them go.
pub fn run(hub: &Hub, permit: Permit, request: Request) -> impl Future<Output = Result<Answer, ServiceError>> {
    let wanted = Wanted::read(&permit, &request);
    drop((permit, request));
    async move {
        match wanted {
            Ok(ref wanted) => wanted.put(hub).await,
            Err(refusal) => Err(refusal),
        }
    }
}

impl Wanted {
    fn read(permit: &Permit, request: &Request) -> Result<Self, ServiceError> {
        let id = ids::device(request.param("id"))?.to_owned();
        let precondition = body::if_match(request)?;
        let spec = read(request, &id)?;
        let is_first_version = request.api_version == versions::FIRST;
        Ok(Self { hub: permit.resource_key().into_owned(), id, precondition, spec, is_first_version })
    }

    async fn put(&self, hub: &Hub) -> Result<Answer, ServiceError> {
        let (device, occasion) = hub.change(&self.hub, |registry| self.make(registry)).await?;
        let presence = hub.presence(&ids::device_key(&self.hub, &self.id));
        if self.is_first_version {
            return Ok(legacy::answer(&device, presence));
        }
        Ok(device.answer(occasion, presence))
    }

    fn make(&self, registry: &mut Registry<'_, '_>) -> Result<(Arc<Device>, Occasion), ServiceError> {
        if makes(&self.precondition) {
            let device = registry.create_device(&self.id, &self.spec, &FirstTwin::empty(Birth::Device))?;
            return Ok((device, Occasion::Creation));
        }
        let current = registry.device(&self.id)?;
        etag::require(&self.precondition, &current.etag())?;
        Ok((registry.update_device(&current, &self.spec)?, Occasion::Later))
    }
}

fn read(request: &Request, id: &str) -> Result<DeviceSpec, ServiceError> {
    let body: DeviceBody = body::object(request)?;
    match body.device_id.as_deref() {
        Some(sent) if sent == id => {}
        Some(_) => return Err(errors::invalid("The body's 'deviceId' is not the one in the path.")),
        None => return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no 'deviceId'.")),
    }
    Ok(DeviceSpec {
        status: body.status,
        status_reason: body.status_reason,
        authentication: body.authentication,
        capabilities: body.capabilities,
        device_scope: body.device_scope,
        parent_scopes: body.parent_scopes,
    })
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Answer;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, named, quoted};

    async fn put(world: &World, id: &str, if_match: &str, body: Value) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[("id", id)], &[("if-match", if_match)], body).await
    }

    #[tokio::test]
    async fn a_new_device_has_keys_and_a_twin() {
        let world = World::new();
        let device = world.put_device("dev1", named("dev1")).await;
        assert_eq!(device["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap().len(), 44);
        assert_eq!(device["generationId"].as_str().unwrap().len(), 18);
        assert_eq!(device["parentScopes"], json!([]));
        assert_eq!(world.twin("dev1").await["deviceEtag"], device["etag"]);
    }

    #[tokio::test]
    async fn an_empty_etag_makes_and_a_second_time_conflicts() {
        let world = World::new();
        put(&world, "dev1", "\"\"", named("dev1")).await.unwrap();
        let error = put(&world, "dev1", "\"\"", named("dev1")).await.unwrap_err();
        assert_eq!(error.code, &errors::DEVICE_ALREADY_EXISTS);
    }

    #[tokio::test]
    async fn a_change_needs_the_current_etag_and_moves_it_by_one() {
        let world = World::new();
        let created = world.put_device("dev1", named("dev1")).await;
        let disabled = json!({"deviceId": "dev1", "status": "disabled", "statusReason": "lost"});
        let changed = fixture::json(&put(&world, "dev1", &quoted(&created), disabled.clone()).await.unwrap());
        assert_eq!((&changed["status"], &changed["statusReason"]), (&json!("disabled"), &json!("lost")));
        assert_eq!(changed["statusUpdatedTime"], "2026-01-02T03:04:05.678Z");
        assert_eq!(changed["authentication"], created["authentication"]);
        assert_eq!(changed["generationId"], created["generationId"]);
        assert!(changed.get("parentScopes").is_none());
        let error = put(&world, "dev1", &quoted(&created), disabled.clone()).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (&errors::PRECONDITION_FAILED, "PreconditionFailed"));
        assert_eq!(put(&world, "dev1", "*", disabled).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn a_change_of_nothing_is_not_found() {
        let error = put(&World::new(), "dev1", "*", named("dev1")).await.unwrap_err();
        assert_eq!(error.code, &errors::DEVICE_NOT_FOUND);
    }

    #[tokio::test]
    async fn of_two_changes_under_one_etag_one_wins() {
        let world = World::new();
        let etag = quoted(&world.put_device("dev1", named("dev1")).await);
        let (first, second) =
            tokio::join!(put(&world, "dev1", &etag, named("dev1")), put(&world, "dev1", &etag, named("dev1")));
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
    }

    #[tokio::test]
    async fn bad_bodies_are_refused_and_change_nothing() {
        let world = World::new();
        for body in [
            json!({}),
            json!({"deviceId": "dev2"}),
            json!({"deviceId": "DEV1"}),
            json!({"deviceId": "dev1", "status": "broken"}),
            json!({"deviceId": "dev1", "status": 1}),
            json!({"deviceId": "dev1", "statusReason": "x".repeat(129)}),
            json!({"deviceId": "dev1", "capabilities": [true]}),
            json!({"deviceId": "dev1", "capabilities": {"iotEdge": "yes"}}),
            json!({"deviceId": "dev1", "authentication": {"type": "password"}}),
            json!({"deviceId": "dev1", "deviceScope": "ms-azure-iot-edge://nobody-1"}),
            json!(["dev1"]),
        ] {
            let error = world.call(OPERATION.name, &[("id", "dev1")], &[], body.clone()).await.unwrap_err();
            assert_eq!(error.code.status, 400, "{body}");
        }
        assert_eq!(world.hub.devices.count(""), 0);
        let error = world.call(OPERATION.name, &[("id", "a b")], &[], named("a b")).await.unwrap_err();
        assert_eq!(error.code, &errors::IOT_HUB_FORMAT_ERROR);
        assert!(put(&world, "dev1", "\"a\", \"b\"", named("dev1")).await.is_err());
    }

    #[tokio::test]
    async fn what_only_the_service_writes_is_not_taken_from_a_client() {
        let world = World::new();
        let body = json!({"deviceId": "dev1", "etag": "x", "generationId": "1", "connectionState": "Connected",
            "lastActivityTime": "2020-01-01T00:00:00Z", "cloudToDeviceMessageCount": 9});
        let device = world.put_device("dev1", body).await;
        assert_ne!(device["etag"], "x");
        assert_ne!(device["generationId"], "1");
        assert_eq!(device["connectionState"], "Disconnected");
        assert_eq!(device["cloudToDeviceMessageCount"], 0);
    }

    #[tokio::test]
    async fn an_edge_device_has_a_scope_and_its_own_modules_and_can_have_children() {
        let world = World::new();
        let edge = world.put_device("edge", json!({"deviceId": "edge", "capabilities": {"iotEdge": true}})).await;
        let scope = format!("ms-azure-iot-edge://edge-{}", edge["generationId"].as_str().unwrap());
        assert_eq!(edge["deviceScope"], scope);
        let listed = world.call("Modules_GetModulesOnDevice", &[("id", "edge")], &[], None).await.unwrap();
        let listed = fixture::json(&listed);
        assert_eq!((&listed[0]["moduleId"], &listed[1]["moduleId"]), (&json!("$edgeAgent"), &json!("$edgeHub")));
        let leaf = world.put_device("leaf", json!({"deviceId": "leaf", "deviceScope": scope})).await;
        assert_eq!((&leaf["deviceScope"], &leaf["parentScopes"]), (&json!(scope), &json!([scope])));
    }

    #[tokio::test]
    async fn the_first_version_answers_in_its_own_shape() {
        let world = World::new();
        let mut request = fixture::request(&[("id", "dev1")], &[], named("dev1").to_string());
        request.api_version = versions::FIRST.into();
        let device = fixture::json(&world.send(OPERATION.name, request).await.unwrap());
        assert_eq!(device["isManaged"], false);
    }
}
