//! A hub as it is when nobody said otherwise. Called by the PUT of this crate and by the seed of the built-in world.

use std::collections::BTreeMap;

use iolite_kernel::{Entropy, Ground, ResourceId, Right};
use iolite_resources::{BuiltInEvents, Cloud, Hub, HubSku, SharedAccessPolicy};
use serde_json::Map;

use crate::policies::fresh;

/// Partitions of a hub whose creator did not say.
const PARTITIONS: u32 = 4;

/// A new hub with the five default policies under fresh keys, four partitions, a day's retention and SAS allowed. `id` is
/// its full resource id.
#[must_use]
pub fn new_hub(ground: &Ground, cloud: Cloud, id: ResourceId, location: &str, sku: HubSku) -> Hub {
    let name = id.name().to_ascii_lowercase();
    Hub {
        host_name: format!("{name}.{}", cloud.hub_suffix()),
        location: location.to_owned(),
        tags: BTreeMap::new(),
        sku,
        policies: default_policies(ground.entropy.as_ref()),
        disable_local_auth: false,
        disable_device_sas: false,
        disable_module_sas: false,
        events: BuiltInEvents {
            path: name,
            partition_count: PARTITIONS,
            retention_days: 1,
            consumer_groups: BTreeMap::new(),
        },
        identity: None,
        created_at: ground.now(),
        other_properties: Map::new(),
        id,
    }
}

/// The five policies that every hub starts with, in the order `listkeys` has them in recorded answers.
pub(crate) fn default_policies(entropy: &dyn Entropy) -> Vec<SharedAccessPolicy> {
    let all = [Right::RegistryRead, Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect];
    vec![
        fresh("iothubowner", &all, entropy),
        fresh("service", &[Right::ServiceConnect], entropy),
        fresh("device", &[Right::DeviceConnect], entropy),
        fresh("registryRead", &[Right::RegistryRead], entropy),
        fresh("registryReadWrite", &[Right::RegistryRead, Right::RegistryWrite], entropy),
    ]
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Scope;

    use super::*;

    #[test]
    fn a_new_hub_has_five_policies_with_keys_of_their_own() {
        let id = Scope::resource("s", "g", Hub::TYPE, "Hub-1");
        let sku = HubSku { name: "S1".to_owned(), capacity: 1 };
        let hub = new_hub(&Ground::system(), Cloud::Public, id, "westeurope", sku);
        assert_eq!(hub.host_name, "hub-1.azure-devices.net");
        let names: Vec<&str> = hub.policies.iter().map(|policy| policy.key_name.as_str()).collect();
        assert_eq!(names, ["iothubowner", "service", "device", "registryRead", "registryReadWrite"]);
        assert_eq!(hub.policies[0].rights.to_string(), "RegistryWrite, ServiceConnect, DeviceConnect");
        assert_ne!(hub.policies[0].primary_key, hub.policies[1].primary_key);
        assert_ne!(hub.policies[0].primary_key, hub.policies[0].secondary_key);
    }
}
