//! What being an Edge device means for an identity: its scope, its parents and children, and its own modules.
//!
//! Called by the registry when a device is made or changed. Sources: iot-edge "parent and child relationships", and the
//! scope's form as the service writes it (`ms-azure-iot-edge://{deviceId}-{generationId}`).

use iolite_kernel::ServiceError;

use crate::authentication::AuthenticationBody;
use crate::body::Object;
use crate::device::Device;
use crate::errors;
use crate::registry::{DeviceSpec, FirstTwin, ModuleSpec, Registry};
use crate::twin::Birth;

/// What the scope of an Edge device begins with.
const SCOPE: &str = "ms-azure-iot-edge://";
/// The modules that every Edge device has.
const SYSTEM_MODULES: [&str; 2] = ["$edgeAgent", "$edgeHub"];

impl Registry<'_, '_> {
    /// Settles the scopes: an Edge device has its own and maybe parents; any other has its one parent's.
    pub(crate) fn place(&self, device: &mut Device, spec: &DeviceSpec) -> Result<(), ServiceError> {
        let sent: Vec<&str> = spec.parent_scopes.iter().flatten().map(String::as_str).collect();
        let own = || format!("{SCOPE}{}-{}", device.id, device.generation);
        if device.iot_edge {
            device.device_scope = Some(own().into());
            if spec.parent_scopes.is_some() {
                device.parent_scopes = sent.into_iter().map(Box::from).collect();
            }
        } else {
            // A client that sends a former Edge device back may repeat the scope that was its own.
            let sent_scope = spec.device_scope.as_deref().filter(|scope| !scope.is_empty() && **scope != *own());
            let parent = sent_scope.or_else(|| sent.first().copied());
            device.device_scope = parent.map(Box::from);
            device.parent_scopes = parent.map(Box::from).into_iter().collect();
        }
        if device.parent_scopes.len() > 1 {
            return Err(refuse_scope("A device has one parent at most."));
        }
        device.parent_scopes.iter().try_for_each(|scope| self.check_scope(device, scope))
    }

    fn check_scope(&self, device: &Device, scope: &str) -> Result<(), ServiceError> {
        let found = scope.strip_prefix(SCOPE).and_then(|name| name.rsplit_once('-'));
        let parent = found.and_then(|(id, generation)| {
            let parent = self.device(id).ok()?;
            (parent.iot_edge && parent.generation.to_string() == generation).then_some(parent)
        });
        match parent {
            Some(parent) if parent.id != device.id => Ok(()),
            _ => Err(refuse_scope("The scope is not that of an Edge device of this hub.")),
        }
    }

    /// An Edge device has two modules of its own from the beginning; they go when it stops being one.
    pub(crate) fn follow_edge(&mut self, before: bool, device: &Device) -> Result<(), ServiceError> {
        if !before && !device.iot_edge {
            return Ok(());
        }
        for id in SYSTEM_MODULES {
            let exists = self.module(&device.id, id).is_ok();
            if device.iot_edge && !exists {
                let nothing = AuthenticationBody::none();
                let spec = ModuleSpec { managed_by: None, authentication: Some(Object(nothing)) };
                self.insert_module(&device.id, id, &spec, &FirstTwin::empty(Birth::Module))?;
            } else if before && !device.iot_edge {
                self.delete_module(&device.id, id);
            }
        }
        Ok(())
    }
}

fn refuse_scope(message: &str) -> ServiceError {
    ServiceError::new(&errors::INVALID_DEVICE_SCOPE, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, named};

    async fn put(world: &World, id: &str, if_match: &str, body: Value) -> Result<Value, ServiceError> {
        let headers = [("if-match", if_match)];
        let answer = world.call("Devices_CreateOrUpdateIdentity", &[("id", id)], &headers, body).await?;
        Ok(fixture::json(&answer))
    }

    fn edge(id: &str, more: &Value) -> Value {
        let mut body = json!({"deviceId": id, "capabilities": {"iotEdge": true}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[tokio::test]
    async fn an_edge_device_has_parents_beside_its_own_scope() {
        let world = World::new();
        let upper = put(&world, "upper", "", edge("upper", &json!({}))).await.unwrap();
        let parents = json!({"parentScopes": [upper["deviceScope"]]});
        let lower = put(&world, "lower", "", edge("lower", &parents)).await.unwrap();
        assert_ne!(lower["deviceScope"], upper["deviceScope"]);
        assert_eq!(lower["parentScopes"], json!([upper["deviceScope"]]));
        let kept = put(&world, "lower", "*", edge("lower", &json!({}))).await.unwrap();
        assert_eq!(kept["parentScopes"], lower["parentScopes"]);
    }

    #[tokio::test]
    async fn only_an_edge_device_of_this_generation_can_be_a_parent() {
        let world = World::new();
        let plain = world.put_device("plain", named("plain")).await;
        let upper = put(&world, "upper", "", edge("upper", &json!({}))).await.unwrap();
        let of_plain = format!("{SCOPE}plain-{}", plain["generationId"].as_str().unwrap());
        for scope in [json!(of_plain), json!(format!("{SCOPE}upper-1")), json!("upper"), json!(format!("{SCOPE}upper"))]
        {
            let body = json!({"deviceId": "leaf", "deviceScope": scope});
            let error = put(&world, "leaf", "", body).await.unwrap_err();
            assert_eq!(error.code, &errors::INVALID_DEVICE_SCOPE, "{scope}");
        }
        let own = json!({"parentScopes": [upper["deviceScope"]]});
        assert!(put(&world, "upper", "*", edge("upper", &own)).await.is_err());
    }

    #[tokio::test]
    async fn a_device_that_stops_being_edge_loses_its_own_modules_and_scope() {
        let world = World::new();
        let made = put(&world, "edge", "", edge("edge", &json!({}))).await.unwrap();
        assert_eq!(world.hub.modules.count(""), 2);
        let scope = &made["deviceScope"];
        let plain = json!({"deviceId": "edge", "capabilities": {"iotEdge": false}, "deviceScope": scope});
        let device = put(&world, "edge", "*", plain).await.unwrap();
        assert_eq!((world.hub.modules.count(""), world.hub.twins.count("")), (0, 1));
        assert!(device.get("deviceScope").is_none());
        put(&world, "edge", "*", edge("edge", &json!({}))).await.unwrap();
        assert_eq!(world.hub.modules.count(""), 2);
    }
}
