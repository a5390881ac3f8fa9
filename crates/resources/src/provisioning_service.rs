//! The record of a Device Provisioning Service and of the hubs it is linked to.

use std::collections::BTreeMap;

use iolite_kernel::{ResourceId, Secret, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ResourceIdentity, SharedAccessPolicy};

/// A provisioning service; keyed by its name in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvisioningService {
    /// Its full id.
    pub id: ResourceId,
    /// Its location.
    pub location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How many S1 units.
    pub capacity: u32,
    /// The id scope that devices name (`0ne…`).
    pub id_scope: String,
    /// The service API's own host name.
    pub host_name: String,
    /// Its shared access policies.
    pub policies: Vec<SharedAccessPolicy>,
    /// The hubs it may assign devices to.
    pub linked_hubs: Vec<LinkedHub>,
    /// How a hub is chosen where an enrolment does not say.
    pub allocation_policy: AllocationPolicy,
    /// The identity it acts under.
    pub identity: Option<ResourceIdentity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Every other ARM property, as it was sent.
    pub other_properties: Map<String, Value>,
}

impl Record for ProvisioningService {
    const COLLECTION: &'static str = "provisioning-services";
}

impl ProvisioningService {
    /// ARM's type name.
    pub const TYPE: &'static str = "Microsoft.Devices/provisioningServices";

    /// The policy named `name`.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&SharedAccessPolicy> {
        self.policies.iter().find(|policy| policy.key_name == name)
    }
}

/// A hub that a provisioning service may assign devices to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedHub {
    /// The hub's host name, without a port.
    pub host_name: String,
    /// What the service signs in to the hub with.
    pub authentication: LinkAuthentication,
    /// The hub's location.
    pub location: String,
    /// Its share under weighted allocation, 1 to 1000.
    pub allocation_weight: Option<u32>,
    /// Whether the allocation policy applies to it.
    pub apply_allocation_policy: Option<bool>,
}

/// How a provisioning service signs in to a linked hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkAuthentication {
    /// By a shared access policy of the hub: breaks when the hub denies SAS.
    ConnectionString(Secret),
    /// By the service's own system-assigned identity, which needs a role on the hub.
    SystemAssigned,
    /// By one of the service's user-assigned identities, named by its resource id.
    UserAssigned(ResourceId),
}

/// How a hub is chosen for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AllocationPolicy {
    /// Evenly, by a hash of the registration id and the hubs' weights.
    #[default]
    Hashed,
    /// By latency; one machine has none, so it takes the first link.
    GeoLatency,
    /// By what the enrolment names.
    Static,
}
