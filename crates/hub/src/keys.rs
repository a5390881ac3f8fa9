//! The hub as the keeper of devices' keys, for the door that checks them.

use iolite_identity::{DeviceCredentials, DeviceKeys};

use crate::{Hub, ids};

impl DeviceKeys for Hub {
    fn credentials(&self, hub: &str, device_id: &str, module_id: Option<&str>) -> Option<DeviceCredentials> {
        let device = self.devices.get(&ids::device_key(hub, device_id))?;
        let keys = match module_id {
            None => device.credentials.attestation(),
            Some(module_id) => self.modules.get(&ids::module_key(hub, device_id, module_id))?.credentials.attestation(),
        };
        Some(DeviceCredentials { enabled: device.enabled, keys })
    }
}

#[cfg(test)]
mod tests {
    use iolite_identity::AttestationKeys;
    use serde_json::json;

    use super::*;
    use crate::fixture::World;

    #[tokio::test]
    async fn keys_are_found_by_hub_device_and_module() {
        let world = World::new();
        world.put_device("dev1", json!({"deviceId": "dev1", "status": "disabled"})).await;
        world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
        let device = world.hub.credentials(World::KEY, "dev1", None).unwrap();
        let module = world.hub.credentials(World::KEY, "dev1", Some("mod1")).unwrap();
        assert!(!device.enabled && !module.enabled);
        assert!(matches!(device.keys, AttestationKeys::SymmetricKey { .. }));
        assert_ne!(device.keys, module.keys);
        assert_eq!(world.hub.credentials(World::KEY, "dev1", Some("mod2")), None);
        assert_eq!(world.hub.credentials(World::KEY, "DEV1", None), None);
        assert_eq!(world.hub.credentials("other", "dev1", None), None);
    }
}
