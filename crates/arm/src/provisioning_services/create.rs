//! A provisioning service as it is when nobody said otherwise. Called by the PUT of this crate and by the seed of the
//! built-in world.

use std::collections::BTreeMap;

use iolite_kernel::{Entropy, Ground, ResourceId, Right};
use iolite_resources::{AllocationPolicy, Cloud, ProvisioningService, SharedAccessPolicy};
use serde_json::Map;

use crate::policies::fresh;

/// A new provisioning service with its one default policy under fresh keys, a fresh id scope and no linked hub. `id` is
/// its full resource id, `capacity` its S1 units.
#[must_use]
pub fn new_provisioning_service(
    ground: &Ground,
    cloud: Cloud,
    id: ResourceId,
    location: &str,
    capacity: u32,
) -> ProvisioningService {
    ProvisioningService {
        host_name: format!("{}.{}", id.name().to_ascii_lowercase(), cloud.provisioning_suffix()),
        location: location.to_owned(),
        tags: BTreeMap::new(),
        capacity,
        id_scope: new_id_scope(ground.entropy.as_ref()),
        policies: vec![default_policy(ground.entropy.as_ref())],
        linked_hubs: Vec::new(),
        allocation_policy: AllocationPolicy::Hashed,
        identity: None,
        created_at: ground.now(),
        other_properties: Map::new(),
        id,
    }
}

/// Recorded rights: `ServiceConfig, DeviceConnect, EnrollmentWrite`, reading included.
fn default_policy(entropy: &dyn Entropy) -> SharedAccessPolicy {
    let rights = [Right::ServiceConfig, Right::DeviceConnect, Right::EnrollmentRead, Right::EnrollmentWrite];
    fresh("provisioningserviceowner", &rights, entropy)
}

/// `0ne` and eight hexadecimal digits, as recorded.
fn new_id_scope(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    format!("0ne{:08X}", u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Scope;

    use super::*;

    #[test]
    fn a_new_service_has_an_id_scope_and_the_recorded_rights() {
        let id = Scope::resource("s", "g", ProvisioningService::TYPE, "Dps-1");
        let service = new_provisioning_service(&Ground::system(), Cloud::Public, id, "westeurope", 1);
        assert_eq!(service.host_name, "dps-1.azure-devices-provisioning.net");
        assert_eq!((&service.id_scope[..3], service.id_scope.len()), ("0ne", 11));
        assert_eq!(service.policies[0].rights.to_string(), "ServiceConfig, DeviceConnect, EnrollmentWrite");
    }
}
