//! `Modules_CreateOrUpdateIdentity`: makes a module of a device, or changes it.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: as for devices, and 200 for a new module too.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Deserialize;

use crate::authentication::AuthenticationBody;
use crate::body::{self, Object};
use crate::device::Occasion;
use crate::registry::{FirstTwin, ModuleSpec, makes};
use crate::twin::Birth;
use crate::{Hub, errors, etag, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Modules_CreateOrUpdateIdentity",
    method: Method::Put,
    path: "/devices/{id}/modules/{mid}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/devices/write"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Makes a module identity, or changes the one that is there.",
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModuleBody {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(default)]
    module_id: Option<String>,
    #[serde(default)]
    managed_by: Option<String>,
    #[serde(default)]
    authentication: Option<Object<AuthenticationBody>>,
}

/// Makes or changes the module: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (device_id, id) = (ids::device(request.param("id"))?, ids::module(request.param("mid"))?);
    let precondition = body::if_match(&request)?;
    let spec = read(&request, device_id, id)?;
    let (module, occasion) = hub
        .change(&permit.resource_key(), |registry| {
            if makes(&precondition) {
                let twin = FirstTwin::empty(Birth::Module);
                return Ok((registry.create_module(device_id, id, &spec, &twin)?, Occasion::Creation));
            }
            let current = registry.module(device_id, id)?;
            etag::require(&precondition, &current.etag())?;
            Ok((registry.update_module(&current, &spec)?, Occasion::Later))
        })
        .await?;
    Ok(module.answer(occasion, hub.presence(&ids::module_key(&permit.resource_key(), device_id, id))))
}

fn read(request: &Request, device_id: &str, id: &str) -> Result<ModuleSpec, ServiceError> {
    let body: ModuleBody = body::object(request)?;
    for (name, sent, wanted) in [("deviceId", &body.device_id, device_id), ("moduleId", &body.module_id, id)] {
        match sent.as_deref() {
            Some(sent) if sent == wanted => {}
            Some(_) => return Err(errors::invalid(format!("The body's '{name}' is not the one in the path."))),
            None => return Err(ServiceError::new(&errors::ARGUMENT_NULL, format!("The body has no '{name}'."))),
        }
    }
    Ok(ModuleSpec { managed_by: body.managed_by, authentication: body.authentication })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named, quoted};

    const PARAMS: [(&str, &str); 2] = [("id", "dev1"), ("mid", "mod1")];

    async fn world() -> World {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world
    }

    #[tokio::test]
    async fn a_module_is_made_with_a_twin_and_changed_under_its_etag() {
        let world = world().await;
        let body = json!({"moduleId": "mod1", "deviceId": "dev1"});
        let created = world.put_module("dev1", "mod1", body.clone()).await;
        let headers = [("if-match", &*quoted(&created))];
        let changed = json!({"moduleId": "mod1", "deviceId": "dev1", "managedBy": "someone"});
        let answer = world.call(OPERATION.name, &PARAMS, &headers, changed.clone()).await.unwrap();
        let read = fixture::json(&answer);
        assert_eq!((&read["managedBy"], &read["authentication"]), (&json!("someone"), &created["authentication"]));
        assert_ne!(read["etag"], created["etag"]);
        let stale = world.call(OPERATION.name, &PARAMS, &headers, changed).await.unwrap_err();
        assert_eq!(stale.code, &errors::PRECONDITION_FAILED);
        let again = world.call(OPERATION.name, &PARAMS, &[], body).await.unwrap_err();
        assert_eq!(again.code, &errors::MODULE_ALREADY_EXISTS);
        assert_eq!(world.hub.twins.count(""), 2);
    }

    #[tokio::test]
    async fn both_ids_of_the_body_are_those_of_the_path() {
        let world = world().await;
        for body in
            [json!({"deviceId": "dev1"}), json!({"deviceId": "dev1", "moduleId": "x"}), json!({"moduleId": "mod1"})]
        {
            let error = world.call(OPERATION.name, &PARAMS, &[], body.clone()).await.unwrap_err();
            assert_eq!(error.code.status, 400, "{body}");
        }
    }

    #[tokio::test]
    async fn a_module_needs_its_device() {
        let body = json!({"moduleId": "mod1", "deviceId": "dev1"});
        let error = World::new().call(OPERATION.name, &PARAMS, &[], body).await.unwrap_err();
        assert_eq!(error.code, &errors::DEVICE_NOT_FOUND);
    }

    #[tokio::test]
    async fn a_device_has_fifty_modules_at_most() {
        let world = world().await;
        for number in 0..50 {
            let id = format!("m{number}");
            world.put_module("dev1", &id, json!({"deviceId": "dev1", "moduleId": id})).await;
        }
        let body = json!({"moduleId": "mod1", "deviceId": "dev1"});
        let error = world.call(OPERATION.name, &PARAMS, &[], body).await.unwrap_err();
        assert_eq!(error.code, &errors::TOO_MANY_MODULES);
    }
}
