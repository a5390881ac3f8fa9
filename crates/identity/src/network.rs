//! Whether a resource lets an address in, before anything is shown at its door.
//!
//! Called by [`crate::Identity`] for every request, and by the doors that hold connections to a hub open, at sign-in and when
//! the hub's record changes. Hubs and provisioning services answer 401, Digital Twins 403, and none mentions the rule
//! (Microsoft's pages on IP filters and private links).

use std::net::IpAddr;

use iolite_kernel::Need;
use iolite_resources::{
    Barrier, Hub, NetworkRules, NetworkRulesError, ProvisioningApi, ProvisioningNetworkRules, Resource,
    has_public_access,
};

use crate::{Reason, Rejection, Visit};

/// Which of a hub's endpoints is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Its own: devices and services.
    Hub,
    /// The built-in Event Hubs-compatible endpoint.
    Events,
}

/// Whether the resource of a visit lets its caller's address in.
pub(crate) fn admits_visit(visit: Visit<'_>) -> Result<(), Rejection> {
    let address = visit.request.client.address;
    match visit.resource {
        Resource::Hub(hub) => admits(hub, Entrance::Hub, address),
        Resource::ProvisioningService(service) => {
            let api = match visit.operation.need {
                Need::OwnRegistration => ProvisioningApi::Device,
                _ => ProvisioningApi::Service,
            };
            let barrier = |address| {
                let rules = ProvisioningNetworkRules::read(&service.other_properties)?;
                Ok(rules.and_then(|rules| rules.barrier(api, address)))
            };
            judge(service.id.name(), address, barrier)
        }
        Resource::Twins(instance) => {
            let barrier = |_| {
                let is_public = has_public_access(&instance.other_properties)?;
                Ok((!is_public).then_some(Barrier::PublicAccessDisabled))
            };
            judge(instance.id.name(), address, barrier)
        }
        Resource::Scope(_) | Resource::Tenant => Ok(()),
    }
}

/// Whether `hub` lets `address` in.
pub fn admits(hub: &Hub, entrance: Entrance, address: Option<IpAddr>) -> Result<(), Rejection> {
    let barrier = |address| {
        let rules = NetworkRules::read(&hub.other_properties)?;
        Ok(rules.and_then(|rules| match entrance {
            Entrance::Hub => rules.barrier(address),
            Entrance::Events => rules.barrier_to_events(address),
        }))
    };
    judge(hub.id.name(), address, barrier)
}

/// Asks the rules of the resource `name` what keeps `address` out. A caller without an address is the emulator itself.
///
/// Rules that cannot be read let nobody in; Resource Manager refuses such.
fn judge(
    name: &str,
    address: Option<IpAddr>,
    barrier: impl FnOnce(IpAddr) -> Result<Option<Barrier>, NetworkRulesError>,
) -> Result<(), Rejection> {
    let Some(address) = address else { return Ok(()) };
    let (reason, detail) = match barrier(address) {
        Ok(None) => return Ok(()),
        Ok(Some(Barrier::PublicAccessDisabled)) => (
            Reason::PublicAccessDisabled,
            format!(
                "publicNetworkAccess is Disabled at {name}: only private endpoints lead there, and there are none here"
            ),
        ),
        Ok(Some(Barrier::Rejected(rule))) => {
            (Reason::AddressNotAllowed, format!("the IP filter rule `{rule}` of {name} rejects {address}"))
        }
        Ok(Some(Barrier::NotAllowed)) => {
            (Reason::AddressNotAllowed, format!("no rule of networkRuleSets of {name} allows {address}"))
        }
        Err(error) => (Reason::AddressNotAllowed, format!("the network rules of {name} cannot be read: {error}")),
    };
    Err(Rejection { reason, detail })
}
