//! The hub as the keeper of devices' keys, for the door that checks them.

use iolite_identity::{AttestationKeys, DeviceCredentials, DeviceKeys};
use iolite_resources::Certificate;

use crate::{Hub, ids};

impl DeviceKeys for Hub {
    fn credentials(&self, hub: &str, device_id: &str, module_id: Option<&str>) -> Option<DeviceCredentials> {
        let device = self.devices.get(&ids::device_key(hub, device_id))?;
        let keys = match module_id {
            None => device.credentials.attestation(|| self.authorities(hub)),
            Some(module_id) => {
                let module = self.modules.get(&ids::module_key(hub, device_id, module_id))?;
                module.credentials.attestation(|| self.authorities(hub))
            }
        };
        Some(DeviceCredentials { enabled: device.enabled, keys })
    }
}

impl Hub {
    /// The X.509 authorities of the hub keyed `hub`: those that vouch for devices, and those that do not yet.
    fn authorities(&self, hub: &str) -> AttestationKeys {
        let (mut roots, mut unverified) = (Vec::new(), Vec::new());
        for (_, certificate) in self.certificates.all(&Certificate::prefix_of_hub(hub)) {
            let list = if certificate.is_verified { &mut roots } else { &mut unverified };
            list.push(certificate.der.clone());
        }
        AttestationKeys::CertificateAuthority { roots, unverified }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use iolite_kernel::{ResourceId, ServiceError, Timestamp};
    use iolite_resources::Hub as HubRecord;
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

    #[tokio::test]
    async fn a_device_of_an_authority_gets_the_hub_s_own_authorities_and_no_other_hub_s() {
        let world = World::new();
        let body = json!({"deviceId": "dev1", "authentication": {"type": "certificateAuthority"}});
        world.put_device("dev1", body).await;
        let certificate = |hub: &str, name: &str, is_verified: bool| Certificate {
            resource: ResourceId::resource("s", "g", HubRecord::TYPE, hub),
            name: name.to_owned(),
            der: Arc::from(name.as_bytes()),
            is_verified,
            verification_code: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let all = [("Contoso-Hub", "a", true), ("Contoso-Hub", "b", false), ("contoso-hub-2", "c", true)];
        let written = world.hub.store.transact(|transaction| {
            for (hub, name, is_verified) in all {
                let record = certificate(hub, name, is_verified);
                transaction.put(&world.hub.certificates, &Certificate::key(&record.resource, name), record);
            }
            Ok::<_, ServiceError>(())
        });
        written.await.unwrap();
        let found = world.hub.credentials(World::KEY, "dev1", None).unwrap().keys;
        let expected = AttestationKeys::CertificateAuthority {
            roots: vec![Arc::from(&b"a"[..])],
            unverified: vec![Arc::from(&b"b"[..])],
        };
        assert_eq!(found, expected);
    }
}
