//! The Event Hubs-compatible endpoint: a policy's shared access signature, and nothing else.
//!
//! Source: control-access-to-iot-hub (Entra is not supported at the built-in endpoint), and what the Event Hubs SDKs sign:
//! `sb://{host}/{entity}` and what lies below it, with the text of the key.

use iolite_kernel::{Request, Secret};
use iolite_resources::{Hub, SharedAccessPolicy};

use super::policy::{PolicyHome, shown};
use super::{Identity, read_sas, turn_away};
use crate::sas::SasToken;
use crate::trail::{Refused, Trail};
use crate::{Authentication, Caller, CheckKind, Credential, Entrance, Presented, Reason, Rejection, admits};

/// What somebody wants to read.
#[derive(Clone, Copy)]
pub struct EventsVisit<'a> {
    /// The hub whose events they are.
    pub hub: &'a Hub,
    /// The entity and what lies below it: `contoso-hub`, `ConsumerGroups`, `$Default`, `Partitions`, `0`.
    pub path: &'a [&'a str],
    /// The entity's own policy, where it is not the hub's built-in one.
    pub own_policy: Option<&'a SharedAccessPolicy>,
    /// The request that stands for the visit.
    pub request: &'a Request,
}

impl Identity {
    /// Who shows `presented` at the Event Hubs-compatible endpoint. Rights are `access`'s to judge.
    #[must_use]
    pub fn authenticate_at_events(&self, presented: &Presented, visit: EventsVisit<'_>) -> Authentication {
        self.record(|trail| {
            if let Err(Rejection { reason, detail }) = admits(visit.hub, Entrance::Events, visit.request.client.address)
            {
                return Err(trail.fail(CheckKind::Network, reason, detail));
            }
            match &presented.credential {
                Credential::SharedAccessSignature(text) => self.events_caller(text, visit, trail),
                other => Err(turn_away(other, iolite_kernel::Service::Hub, trail)),
            }
        })
    }

    fn events_caller(&self, text: &Secret, visit: EventsVisit<'_>, trail: &mut Trail) -> Result<Caller, Refused> {
        let token = read_sas(text, trail)?;
        let home = PolicyHome::of_events(visit.hub, visit.own_policy);
        let resource = |trail: &mut Trail| check_entity(&token, visit, trail);
        self.holder(&token, home, &visit.request.client, resource, trail).map(|(caller, _)| caller)
    }
}

/// Whether the token is for the entity, for all of its namespace, or for a part of the entity that the visit is in. The
/// host is a namespace's, which every name of this machine stands for.
fn check_entity(token: &SasToken, visit: EventsVisit<'_>, trail: &mut Trail) {
    let text = token.resource().as_str();
    let path = text.split_once("://").map_or(text, |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
    let mut wanted = visit.path.iter();
    let fits = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .all(|segment| wanted.next().is_some_and(|wanted| segment.eq_ignore_ascii_case(wanted)));
    if fits && token.resource().is_event_hubs() {
        trail.pass(CheckKind::ResourceUri, "");
    } else {
        let detail = format!("sr is {}; wanted `sb://…/{}`", shown(text), visit.path.join("/"));
        trail.fail(CheckKind::ResourceUri, Reason::ResourceMismatch, detail);
    }
}
