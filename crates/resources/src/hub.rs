//! The record of an IoT hub: the keys and switches that its doors read, and the rest of what ARM was told.

use std::collections::BTreeMap;

use iolite_kernel::{ResourceId, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ResourceIdentity, SharedAccessPolicy};

/// A hub; keyed by its name in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hub {
    /// Its full id.
    pub id: ResourceId,
    /// Its location.
    pub location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its tier and units.
    pub sku: HubSku,
    /// Its own host name (`contoso-hub.azure-devices.net`); on the shared origin it answers to `localhost` too.
    pub host_name: String,
    /// Its shared access policies, in the order ARM lists them.
    pub policies: Vec<SharedAccessPolicy>,
    /// Whether service SAS is refused.
    pub disable_local_auth: bool,
    /// Whether devices may not use SAS.
    pub disable_device_sas: bool,
    /// Whether modules may not use SAS.
    pub disable_module_sas: bool,
    /// The built-in Event Hubs-compatible endpoint.
    pub events: BuiltInEvents,
    /// The identity the hub acts under.
    pub identity: Option<ResourceIdentity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Every other ARM property, as it was sent.
    pub other_properties: Map<String, Value>,
}

impl Record for Hub {
    const COLLECTION: &'static str = "hubs";
}

impl Hub {
    /// ARM's type name.
    pub const TYPE: &'static str = "Microsoft.Devices/IotHubs";

    /// The policy named `name`.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&SharedAccessPolicy> {
        self.policies.iter().find(|policy| policy.key_name == name)
    }
}

/// A hub's tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubSku {
    /// `F1`, `S1`, `S2`, `S3`, `B1`, `B2` or `B3`.
    pub name: String,
    /// How many units.
    pub capacity: u32,
}

/// The built-in endpoint that telemetry is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltInEvents {
    /// The Event Hubs-compatible name.
    pub path: String,
    /// How many partitions; fixed at creation.
    pub partition_count: u32,
    /// How many days messages are kept, 1 to 7.
    pub retention_days: u32,
    /// The consumer groups besides `$Default`, with when each was made.
    pub consumer_groups: BTreeMap<String, Timestamp>,
}
