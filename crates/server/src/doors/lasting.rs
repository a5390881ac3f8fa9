//! Whether somebody who was let in once would be let in still, and a record where not.

use std::net::IpAddr;

use iolite_access::{Ask, CredentialKind};
use iolite_identity::{Authentication, Caller, Entrance, Reason, Rejection, admits};
use iolite_kernel::{Operation, Request};
use iolite_resources::Resource;

use super::Doors;

/// Someone who was let in.
pub(super) struct Lasting {
    /// The hub's key.
    pub(super) hub: Box<str>,
    pub(super) caller: Caller,
    pub(super) address: Option<IpAddr>,
}

impl Lasting {
    /// Whether key, switches, status and address would do still.
    pub(super) fn check(&self, doors: &Doors) -> Result<(), Rejection> {
        self.check_at(doors, Entrance::Hub)
    }

    /// The same at one of the hub's endpoints.
    pub(super) fn check_at(&self, doors: &Doors, entrance: Entrance) -> Result<(), Rejection> {
        let hub = doors
            .estate
            .hubs
            .get(&self.hub)
            .ok_or_else(|| Rejection { reason: Reason::UnknownDevice, detail: "the hub was deleted".to_owned() })?;
        admits(&hub, entrance, self.address)?;
        doors.identity.still_good(&self.caller, &hub)
    }

    /// Records that it would do no longer.
    pub(super) fn record(&self, doors: &Doors, operation: &'static Operation, request: &Request, rejection: Rejection) {
        let Some(hub) = doors.estate.hubs.get(&self.hub) else { return };
        let authentication = Authentication { checks: std::sync::Arc::new([]), outcome: Err(rejection) };
        let credential = match &self.caller {
            Caller::Principal(_) => CredentialKind::Bearer,
            Caller::Device(device) if device.means == iolite_identity::KeyMeans::Certificate => {
                CredentialKind::Certificate
            }
            _ => CredentialKind::SharedAccessSignature,
        };
        let resource = Resource::Hub(hub);
        let ask = Ask { operation, resource: &resource, request, credential, authentication };
        // It is refused by what it brings along; only the record counts.
        drop(doors.access.decide(ask));
    }
}
