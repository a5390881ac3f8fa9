//! Whether a hub lets an address in, before anything is shown at its door.
//!
//! Called by [`crate::Identity`] for every request, and by the doors that hold connections open, at sign-in and when the hub's
//! record changes. The service answers 401 and does not mention the rule (Microsoft's page on IP filters).

use std::net::IpAddr;

use iolite_resources::{Barrier, Hub, NetworkRules};

use crate::{Reason, Rejection};

/// Which of a hub's endpoints is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Its own: devices and services.
    Hub,
    /// The built-in Event Hubs-compatible endpoint.
    Events,
}

/// Whether `hub` lets `address` in. A caller without an address is the emulator itself.
///
/// Rules that cannot be read let nobody in; Resource Manager and the world's check refuse such.
pub fn admits(hub: &Hub, entrance: Entrance, address: Option<IpAddr>) -> Result<(), Rejection> {
    let Some(address) = address else { return Ok(()) };
    let barrier = match NetworkRules::read(&hub.other_properties) {
        Ok(None) => return Ok(()),
        Ok(Some(rules)) if entrance == Entrance::Events => rules.barrier_to_events(address),
        Ok(Some(rules)) => rules.barrier(address),
        Err(error) => {
            let detail = format!("the network rules of {} cannot be read: {error}", hub.id.name());
            return Err(Rejection { reason: Reason::AddressNotAllowed, detail });
        }
    };
    let name = hub.id.name();
    let (reason, detail) = match barrier {
        None => return Ok(()),
        Some(Barrier::PublicAccessDisabled) => (
            Reason::PublicAccessDisabled,
            format!(
                "publicNetworkAccess is Disabled at {name}: only private endpoints lead there, and there are none here"
            ),
        ),
        Some(Barrier::Rejected(rule)) => {
            (Reason::AddressNotAllowed, format!("the IP filter rule `{rule}` of {name} rejects {address}"))
        }
        Some(Barrier::NotAllowed) => {
            (Reason::AddressNotAllowed, format!("no rule of networkRuleSets of {name} allows {address}"))
        }
    };
    Err(Rejection { reason, detail })
}
