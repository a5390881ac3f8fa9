//! The door of back ends: tokens on `$cbs`, links that send to devices, receive notices and read events.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_hub::feedback;
use iolite_hub::notifications::NoticeQueue;
use iolite_hub::service_links::{
    EventEntity, Reading, connect, read_events, receive_file_notifications, send_to_device,
};
use iolite_identity::{Authentication, Caller, Credential, Entrance, EventsVisit, Presented, Visit};
use iolite_kernel::{Operation, Request, ServiceError, Timestamp};
use iolite_messaging::{
    Acceptance, Arrival, Audience, Doing, LinkEnd, ServiceAddress, ServiceDoor, ServiceLink, SignInError, TokenGrant,
};
use iolite_resources::{Hub as HubRecord, Resource};
use iolite_store::Versioned;

use super::device::lasts_until;
use super::lasting::{Lasting, link_end};
use super::shown::{host_of, is_for_events, operation_of};
use super::standing::LinkStanding;
use super::{Doors, Knock, no_hub, refusal_of_entity};

/// The door, for AMQP.
#[derive(Clone)]
pub(crate) struct Services(pub(crate) Arc<Doors>);

impl ServiceDoor for Services {
    fn check_token(
        &self,
        arrival: &Arrival,
        audience: &str,
        credential: &Credential,
    ) -> Doing<'_, Result<TokenGrant, SignInError>> {
        let judged = self.judge_token(arrival, audience, credential);
        Box::pin(std::future::ready(judged))
    }

    fn open(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        address: ServiceAddress,
    ) -> Doing<'_, Result<ServiceLink, SignInError>> {
        let (arrival, credential) = (arrival.clone(), credential.clone());
        Box::pin(async move {
            match address {
                ServiceAddress::DeviceBound => {
                    let (permit, lasting) = self.enter(&arrival, &credential, &send_to_device::OPERATION)?;
                    let sender = self.0.hub.device_bound_sender(&permit);
                    Ok(self.link(Acceptance::DeviceBound(sender), lasting))
                }
                ServiceAddress::Feedback => {
                    self.notices(&arrival, &credential, &feedback::receive::OPERATION, NoticeQueue::Feedback)
                }
                ServiceAddress::FileNotifications => {
                    let operation = &receive_file_notifications::OPERATION;
                    self.notices(&arrival, &credential, operation, NoticeQueue::FileNotifications)
                }
                ServiceAddress::EventsManagement { entity: Some(path) } => {
                    let (entity, lasting) = self.enter_entity(&arrival, &credential, &path, &["$management"])?;
                    Ok(self.link(Acceptance::Management(self.0.hub.event_management(&entity)), lasting))
                }
                ServiceAddress::Events { entity: Some(path), consumer_group, partition, from, epoch } => {
                    let below = ["ConsumerGroups", &consumer_group, "Partitions", &partition];
                    let (entity, lasting) = self.enter_entity(&arrival, &credential, &path, &below)?;
                    let reading = Reading { consumer_group: consumer_group.clone(), partition, from, epoch };
                    let opened = self.0.hub.event_reader(&entity, &reading).await.map_err(sorted)?;
                    let mut link = self.link(Acceptance::Events(opened.reader), lasting);
                    let (end, stolen) = (link.end, opened.end);
                    link.end = Box::pin(async move {
                        tokio::select! {
                            end = end => end,
                            stolen = stolen => stolen,
                        }
                    });
                    Ok(link)
                }
                ServiceAddress::EventsManagement { entity: None } | ServiceAddress::Events { entity: None, .. } => {
                    self.redirect(&arrival, &credential)
                }
            }
        })
    }
}

impl Services {
    fn judge_token(
        &self,
        arrival: &Arrival,
        audience: &str,
        credential: &Credential,
    ) -> Result<TokenGrant, SignInError> {
        let doors = &self.0;
        let presented = Presented::new(credential.clone(), None);
        let Audience { host, segments } = Audience::read(audience);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let path = format!("/{}", segments.join("/"));
        let (resource, request, authentication) = if is_for_events(audience, credential) {
            let entity = self.entity(segments.first().copied().unwrap_or_default())?;
            let request = self.request(arrival, &host, path, Vec::new());
            let authentication = judge_at_events(doors, &presented, &entity, &segments, &request);
            (Resource::Hub(entity.hub), request, authentication)
        } else {
            let hub = self.hub_of(arrival, credential, &host)?;
            let resource = Resource::Hub(hub);
            let (operation, params) = operation_of(&segments);
            let request = self.request(arrival, &host, path, params);
            let visit = Visit { operation, resource: &resource, request: &request };
            let authentication = doors.identity.authenticate(&presented, visit);
            (resource, request, authentication)
        };
        let permit = doors.decide(&connect::OPERATION, &resource, &request, &presented, authentication)?;
        Ok(TokenGrant { expires_at: ends(permit.caller(), doors.ground.now()).unwrap_or(Timestamp::MAX) })
    }

    /// Decides a link to the hub itself.
    fn enter(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        operation: &'static Operation,
    ) -> Result<(Permit, LinkStanding), SignInError> {
        let doors = &self.0;
        let hub = self.hub_of(arrival, credential, &host_of(credential).unwrap_or_default())?;
        let key = hub.id.name().to_ascii_lowercase();
        let resource = Resource::Hub(hub);
        let request = self.request(arrival, &arrival.host, operation.path.to_owned(), Vec::new());
        let presented = Presented::new(credential.clone(), None);
        let permit = doors.admit(operation, &resource, &request, &presented)?;
        let standing = self.standing(&permit, key, operation, request, Entrance::Hub, None);
        Ok((permit, standing))
    }

    /// Decides a link to an entity's events.
    fn enter_entity(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        path: &str,
        below: &[&str],
    ) -> Result<(EventEntity, LinkStanding), SignInError> {
        let doors = &self.0;
        let entity = self.entity(path)?;
        let segments: Vec<&str> = path.split('/').chain(below.iter().copied()).collect();
        let operation = &read_events::OPERATION;
        let target = format!("/{}", segments.join("/"));
        let request = self.request(arrival, &arrival.host, target, Vec::new());
        let presented = Presented::new(credential.clone(), None);
        let authentication = judge_at_events(doors, &presented, &entity, &segments, &request);
        let resource = Resource::Hub(entity.hub.clone());
        let permit = doors.decide(operation, &resource, &request, &presented, authentication)?;
        let key = permit.resource_key().into_owned();
        let own = entity.own_policy.is_some().then(|| entity.path.clone());
        let standing = self.standing(&permit, key, operation, request, Entrance::Events, own);
        Ok((entity, standing))
    }

    /// `/messages/events` of the hub itself: whoever may read there is told where the events are.
    fn redirect(&self, arrival: &Arrival, credential: &Credential) -> Result<ServiceLink, SignInError> {
        let operation = &read_events::OPERATION;
        if let Credential::Bearer(_) = credential {
            // No data action stands for reading events, so nothing but a policy may.
            let doors = &self.0;
            let hub = self.hub_of(arrival, credential, "")?;
            let request = self.request(arrival, &arrival.host, operation.path.to_owned(), Vec::new());
            let presented = Presented::new(credential.clone(), None);
            let visit = EventsVisit { hub: &hub, path: &[], own_policy: None, request: &request };
            let authentication = doors.identity.authenticate_at_events(&presented, visit);
            let resource = Resource::Hub(hub);
            return Err(match doors.decide(operation, &resource, &request, &presented, authentication) {
                Err(error) => error,
                Ok(_) => refusal_of_entity(""),
            });
        }
        let (permit, standing) = self.enter(arrival, credential, operation)?;
        let hub = self.0.estate.hub(&permit.resource_key()).ok_or_else(|| no_hub(permit.resource().name()))?;
        let entity = self.0.hub.own_entity(hub).map_err(sorted)?;
        let mut facts = entity.facts();
        if let Some(address) = self.0.origins.events_address(arrival.transport) {
            facts.host = address;
        }
        let mut link = self.link(Acceptance::Management(self.0.hub.event_management(&entity)), standing);
        link.redirect = Some(facts);
        Ok(link)
    }

    fn notices(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        operation: &'static Operation,
        queue: NoticeQueue,
    ) -> Result<ServiceLink, SignInError> {
        let (permit, standing) = self.enter(arrival, credential, operation)?;
        let receiver = self.0.hub.notice_receiver(&permit.resource_key(), queue);
        Ok(self.link(Acceptance::Notices(receiver), standing))
    }

    fn link(&self, acceptance: Acceptance, standing: LinkStanding) -> ServiceLink {
        let end: Doing<'static, LinkEnd> = Box::pin(link_end(self.0.clone(), standing));
        ServiceLink { acceptance, end, redirect: None }
    }

    fn standing(
        &self,
        permit: &Permit,
        hub: String,
        operation: &'static Operation,
        request: Request,
        entrance: Entrance,
        entity: Option<String>,
    ) -> LinkStanding {
        let address = request.client.address;
        LinkStanding {
            expires_at: ends(permit.caller(), self.0.ground.now()),
            lasting: Lasting { hub: hub.into(), caller: permit.caller().clone(), address },
            operation,
            request,
            entrance,
            entity,
        }
    }

    /// The entity at the first segment of `path`.
    fn entity(&self, path: &str) -> Result<EventEntity, SignInError> {
        self.0.hub.event_entity(path).map_err(sorted)?.ok_or_else(|| refusal_of_entity(path))
    }

    /// The hub that a credential is for: a signature says so itself, an Entra token leaves it to the connection.
    fn hub_of(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        named: &str,
    ) -> Result<Versioned<HubRecord>, SignInError> {
        let host = match credential {
            Credential::Bearer(_) => arrival.host.as_str(),
            _ if named.is_empty() => arrival.host.as_str(),
            _ => named,
        };
        self.0.hub_at(host).ok_or_else(|| no_hub(host))
    }

    fn request(&self, arrival: &Arrival, host: &str, path: String, params: Vec<(&'static str, String)>) -> Request {
        let host = if host.is_empty() { &arrival.host } else { host };
        self.0.request(Knock { arrival, host, params, path, agent: "" })
    }
}

fn judge_at_events(
    doors: &Doors,
    presented: &Presented,
    entity: &EventEntity,
    path: &[&str],
    request: &Request,
) -> Authentication {
    let own_policy = entity.own_policy.as_ref();
    let visit = EventsVisit { hub: &entity.hub, path, own_policy, request };
    doors.identity.authenticate_at_events(presented, visit)
}

/// When a caller's credential ends.
fn ends(caller: &Caller, now: Timestamp) -> Option<Timestamp> {
    let ends = match caller {
        Caller::Principal(principal) => Some(principal.expires_at),
        Caller::Policy(policy) => Some(policy.expires_at),
        Caller::Device(device) => device.expires_at,
        Caller::Anonymous | Caller::Registrant(_) => None,
    };
    ends.map(|ends| lasts_until(ends, now))
}

/// A hub's own refusal, by its status.
pub(super) fn sorted(error: ServiceError) -> SignInError {
    match error.code.status {
        404 => SignInError::NotFound(error),
        403 | 429 => SignInError::Forbidden(error),
        400 => SignInError::Malformed(error),
        _ => SignInError::Unavailable(error),
    }
}
