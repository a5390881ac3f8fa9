//! Whether somebody who was let in once would be let in still, and a record where not.

use std::net::IpAddr;
use std::sync::Arc;

use iolite_access::{Ask, CredentialKind};
use iolite_identity::{Authentication, Caller, Entrance, Reason, Rejection, admits};
use iolite_kernel::{Operation, Request};
use iolite_messaging::{CloseReason, LinkEnd};
use iolite_resources::Resource;
use tokio::sync::broadcast::error::RecvError;

use super::Doors;
use super::standing::LinkStanding;

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
        let authentication = Authentication { checks: Arc::new([]), outcome: Err(rejection) };
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

    /// Records that a role no longer grants it.
    pub(super) fn deny(&self, doors: &Doors, operation: &'static Operation, request: &Request, resource: &Resource) {
        let authentication = Authentication { checks: Arc::new([]), outcome: Ok(Arc::new(self.caller.clone())) };
        let ask = Ask { operation, resource, request, credential: CredentialKind::Bearer, authentication };
        drop(doors.access.decide(ask));
    }
}

/// What a link can stand on, besides its own time: hubs with their keys and switches, roles, principals.
const GROUNDS: [&str; 5] = ["hubs", "role-assignments", "role-definitions", "deny-assignments", "principals"];

impl Doors {
    /// Watches what links stand on, and tells them to look again. Runs until it is dropped; the wiring spawns it once.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut changes = self.estate.store.watch_of(&GROUNDS);
        loop {
            match changes.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => self.shaken.send_modify(|count| *count += 1),
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// Until a link must end.
pub(super) async fn link_end(doors: Arc<Doors>, standing: LinkStanding) -> LinkEnd {
    let mut shaken = doors.shaken.subscribe();
    let expires = async {
        match standing.expires_at {
            Some(at) => doors.ground.wait_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(expires);
    loop {
        // Looked at once at the beginning, too: between the decision and here something may have changed.
        if !standing.holds(&doors) {
            return LinkEnd::Closed(CloseReason::Revoked);
        }
        tokio::select! {
            () = &mut expires => return LinkEnd::Closed(CloseReason::Expired),
            changed = shaken.changed() => {
                if changed.is_err() {
                    return LinkEnd::Closed(CloseReason::Shutdown);
                }
            }
        }
    }
}
