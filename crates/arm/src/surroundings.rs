//! What Resource Manager needs from outside: where resources can be dialled, what hangs below them, and who wants to know
//! when SAS is switched. Implemented by the wiring; this crate only calls them.

use std::sync::Arc;

use iolite_kernel::{ResourceId, Uuid};
use iolite_resources::{Hub, ResourceContents};

/// The outside that [`Arm`](crate::Arm) is given.
#[derive(Clone)]
pub struct Surroundings {
    /// What keeps records below resources; told inside the transaction that deletes one.
    pub contents: Vec<Arc<dyn ResourceContents>>,
    /// Who hears of the SAS switch.
    pub witness: Arc<dyn Witness>,
    /// Where resources can be dialled.
    pub endpoints: Arc<dyn Endpoints>,
    /// How many devices a hub has.
    pub census: Arc<dyn Census>,
}

/// Hears of changes before they are made.
pub trait Witness: Send + Sync {
    /// The hub, as it stands, is about to have its `disableLocalAuth` set to `disabled` by the request of that decision.
    ///
    /// Called once everything else about the request is settled, under the store's writer lock: it may read tables and
    /// write to the log, and must neither wait nor change anything.
    fn local_auth_about_to_change(&self, hub: &Hub, disabled: bool, decision: Uuid);
}

/// Knows where a resource can be dialled on this machine.
pub trait Endpoints: Send + Sync {
    /// `host[:port]` of a hub's, provisioning service's or Digital Twins instance's HTTPS endpoint; `None` where the
    /// resource has nothing but its own host name.
    fn host_of(&self, resource: &ResourceId) -> Option<String>;

    /// The Event Hubs-compatible endpoint of a hub, as `sb://host[:port]/`; `None` as above.
    fn event_hub_endpoint(&self, hub: &ResourceId) -> Option<String>;

    /// `host[:port]` that devices dial to be provisioned by this service; `None` as above.
    fn device_provisioning_host_of(&self, service: &ResourceId) -> Option<String>;
}

/// Counts the devices of a hub.
pub trait Census: Send + Sync {
    /// The devices of the hub named `hub` (lower case).
    fn devices(&self, hub: &str) -> DeviceCounts;
}

/// How many devices a hub has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounts {
    /// All of them.
    pub total: u64,
    /// Those that are enabled.
    pub enabled: u64,
}
