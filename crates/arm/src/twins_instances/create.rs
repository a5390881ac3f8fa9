//! A Digital Twins instance as it is when nobody said otherwise. Called by the PUT of this crate and by the seed of the
//! built-in world.

use std::collections::BTreeMap;

use iolite_kernel::{Ground, ResourceId};
use iolite_resources::{Cloud, TwinsInstance};
use serde_json::Map;

use crate::location::code;

/// A new instance without an identity. `id` is its full resource id.
#[must_use]
pub fn new_twins_instance(ground: &Ground, cloud: Cloud, id: ResourceId, location: &str) -> TwinsInstance {
    let now = ground.now();
    TwinsInstance {
        host_name: format!("{}.api.{}.{}", id.name().to_ascii_lowercase(), code(location), cloud.twins_suffix()),
        location: location.to_owned(),
        tags: BTreeMap::new(),
        identity: None,
        created_at: now,
        changed_at: now,
        other_properties: Map::new(),
        id,
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Scope;

    use super::*;

    #[test]
    fn the_host_name_holds_the_locations_code() {
        let id = Scope::resource("s", "g", TwinsInstance::TYPE, "Contoso-Twins");
        let instance = new_twins_instance(&Ground::system(), Cloud::Public, id, "West Europe");
        assert_eq!(instance.host_name, "contoso-twins.api.weu.digitaltwins.azure.net");
    }
}
