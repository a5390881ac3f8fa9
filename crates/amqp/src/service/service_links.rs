//! Links of back ends: the door is asked with the token that covers the address, and watched until it says that the link
//! must end. A link whose token ends goes on with a newer one, where that was put in time.

use iolite_messaging::{
    Acceptance as Granted, CloseReason, EntityFacts, LinkEnd, ServiceAddress, ServiceLink, SignInError, Transport,
};

use super::address::Address;
use super::attach::request_acceptance;
use super::events::EventsState;
use super::link::{Backlog, Kind};
use super::management::ManagementState;
use super::notices::NoticesState;
use super::{Conversation, filter, refusal};
use crate::codec::{AmqpError, Attach, Role, Value, condition};
use crate::engine::{Acceptance, LinkId};

/// Credit for messages to devices, and the largest: the hub itself refuses above 64 KiB, by name.
const COMMAND_WINDOW: u32 = 50;
const MAXIMUM_COMMAND_BYTES: usize = 320 * 1024;

/// The segments of an entity's path.
fn entity(name: Option<&String>) -> std::str::Split<'_, char> {
    name.map_or("messages/events", String::as_str).split('/')
}

/// What a service link was opened for.
#[derive(Debug, Clone)]
pub(super) struct Purpose {
    /// Where it leads.
    pub(super) address: ServiceAddress,
    /// Whether we send on it.
    pub(super) sends: bool,
    /// Whether events go out settled.
    pub(super) settled: bool,
    /// Whether the reader wants the partition's facts with each event.
    pub(super) metric: bool,
}

impl Purpose {
    /// The event entity that it leads to.
    fn entity(&self) -> String {
        match &self.address {
            ServiceAddress::EventsManagement { entity } | ServiceAddress::Events { entity, .. } => {
                entity.clone().unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    /// The path that a token must cover.
    pub(super) fn path(&self) -> Vec<&str> {
        match &self.address {
            ServiceAddress::DeviceBound => vec!["messages", "devicebound"],
            ServiceAddress::Feedback => vec!["messages", "servicebound", "feedback"],
            ServiceAddress::FileNotifications => vec!["messages", "servicebound", "filenotifications"],
            ServiceAddress::EventsManagement { entity: name } => entity(name.as_ref()).chain(["$management"]).collect(),
            ServiceAddress::Events { entity: name, consumer_group, partition, .. } => {
                entity(name.as_ref()).chain(["consumergroups", consumer_group, "partitions", partition]).collect()
            }
        }
    }
}

impl Conversation {
    pub(super) fn attach_service(&mut self, id: LinkId, attach: &Attach, address: Address) {
        let sends = attach.role == Role::Receiver;
        let address = match address {
            Address::Commands if !sends => ServiceAddress::DeviceBound,
            Address::Feedback if sends => ServiceAddress::Feedback,
            Address::FileNotifications if sends => ServiceAddress::FileNotifications,
            Address::Management { entity, .. } => ServiceAddress::EventsManagement { entity },
            Address::Events { entity, consumer_group, partition } if sends => {
                let from = match filter::position(attach.filter()) {
                    Ok(from) => from,
                    Err(text) => return self.refuse(id, "com.microsoft:argument-error", text),
                };
                let properties = attach.properties.as_ref();
                let epoch = properties.and_then(|properties| properties.get("com.microsoft:epoch")?.as_i64());
                ServiceAddress::Events { entity, consumer_group, partition, from, epoch }
            }
            _ => return self.refuse(id, condition::NOT_ALLOWED, "The address goes the other way."),
        };
        let metric = attach.desires(RUNTIME_METRIC)
            || attach.properties.as_ref().is_some_and(|properties| {
                properties.get(RUNTIME_METRIC).is_some_and(|value| *value == Value::Boolean(true))
            });
        let settled = attach.snd_settle_mode != Some(0);
        self.open(id, Purpose { address, sends, settled, metric });
    }

    /// Asks the door; what it hands out replaces what the link had.
    pub(super) fn open(&mut self, id: LinkId, purpose: Purpose) {
        let now = self.surroundings.ground.now();
        let Some(token) = self.tokens.covering(&purpose.path(), now) else {
            let error = refusal::of(
                condition::UNAUTHORIZED_ACCESS,
                "No token was put on $cbs for the address.",
                &self.surroundings.ground,
            );
            return self.turn_off(id, error);
        };
        let credential = token.credential.clone();
        let (door, arrival) = (self.surroundings.services.clone(), self.arrival.clone());
        let asked = self.jobs.lease(async move {
            let answer = door.open(&arrival, &credential, purpose.address.clone()).await;
            move |conversation: &mut Self| conversation.on_service_opened(id, purpose, answer)
        });
        if let Some(link) = self.links.get_mut(&id) {
            link.leases.push(asked);
        }
    }

    /// Ends a link that is attached, refuses one that is not.
    fn turn_off(&mut self, id: LinkId, error: AmqpError) {
        tracing::debug!(condition = &*error.condition.0, why = error.description.as_deref(), "a link is ended");
        self.engine.detach(id, Some(error));
    }

    fn on_service_opened(&mut self, id: LinkId, purpose: Purpose, answer: Result<ServiceLink, SignInError>) {
        if !self.links.contains_key(&id) {
            return;
        }
        let opened = match answer {
            Ok(opened) => opened,
            Err(error) => {
                let error = refusal::of_sign_in(&error, &self.surroundings.ground);
                return self.turn_off(id, error);
            }
        };
        if let Some(facts) = opened.redirect {
            let error = self.redirect(&purpose.address, &facts);
            return self.turn_off(id, error);
        }
        self.engine.trust();
        self.watch(id, purpose.clone(), opened.end);
        self.take_grant(id, purpose, opened.acceptance);
    }

    /// Hears when the door says that a link must end.
    pub(super) fn watch(&mut self, id: LinkId, purpose: Purpose, end: iolite_messaging::Doing<'static, LinkEnd>) {
        let watching = self.jobs.lease(async move {
            let end = end.await;
            move |conversation: &mut Self| conversation.on_link_end(id, purpose, end)
        });
        if let Some(link) = self.links.get_mut(&id) {
            link.leases.push(watching);
        }
    }

    fn on_link_end(&mut self, id: LinkId, purpose: Purpose, end: LinkEnd) {
        let reason = match end {
            LinkEnd::Stolen => {
                let text = "A reader of a higher epoch came.";
                let error = refusal::of(condition::STOLEN, text, &self.surroundings.ground);
                return self.turn_off(id, error);
            }
            LinkEnd::Closed(reason) => reason,
        };
        // A newer token, put before the old one ended, carries the link on.
        let now = self.surroundings.ground.now();
        if reason == CloseReason::Expired && self.tokens.covering(&purpose.path(), now).is_some() {
            let purpose = self.resumed(id, purpose);
            return self.open(id, purpose);
        }
        let error = refusal::of_close(reason, &self.surroundings.ground);
        if matches!(reason, CloseReason::InjectedFault | CloseReason::Shutdown) {
            return self.engine.close(Some(error));
        }
        self.turn_off(id, error);
    }

    fn take_grant(&mut self, id: LinkId, purpose: Purpose, granted: Granted) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let (kind, acceptance) = match (granted, &mut link.kind) {
            (Granted::DeviceBound(sender), Kind::Commands(backlog)) => {
                backlog.of = sender.into();
                return;
            }
            (Granted::DeviceBound(sender), _) => {
                let (window, max_message_size) = (COMMAND_WINDOW, MAXIMUM_COMMAND_BYTES);
                let acceptance = Acceptance { window, max_message_size, ..Acceptance::default() };
                (Kind::Commands(Box::new(Backlog::of(sender.into()))), acceptance)
            }
            (Granted::Notices(receiver), Kind::Notices(state)) => {
                state.resume(receiver.into());
                return self.pump_notices(id);
            }
            (Granted::Notices(receiver), _) => {
                let state = NoticesState::of(receiver.into());
                (Kind::Notices(Box::new(state)), Acceptance::default())
            }
            (Granted::Events(reader), Kind::Events(state)) => {
                state.resume(reader.into());
                return self.pump_events(id);
            }
            (Granted::Events(reader), _) => {
                let settled = purpose.settled;
                let state = EventsState::of(reader.into(), &purpose);
                (Kind::Events(Box::new(state)), Acceptance { settled, heedless: true, ..Acceptance::default() })
            }
            (Granted::Management(management), Kind::Management(state)) => {
                state.put(&purpose.entity(), management.into());
                return;
            }
            (Granted::Management(_), Kind::ManagementAnswers) => return,
            (Granted::Management(_), _) if purpose.sends => (Kind::ManagementAnswers, request_acceptance()),
            (Granted::Management(management), _) => {
                let mut state = ManagementState::default();
                state.put(&purpose.entity(), management.into());
                (Kind::Management(state), request_acceptance())
            }
        };
        self.let_in(id, kind, acceptance);
    }

    /// The hub's own `/messages/events` belongs to an entity: where to attach instead (part 2, section 2.8.18). Clients read
    /// `hostname`, and the entity from the address. A port in the entity's host is where it listens, if not as usual.
    fn redirect(&self, address: &ServiceAddress, facts: &EntityFacts) -> AmqpError {
        let (scheme, usual) = match self.arrival.transport {
            Transport::AmqpPlain => ("amqp", 5672),
            _ => ("amqps", 5671),
        };
        let named = facts.host.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) = named.unwrap_or((facts.host.as_str(), usual));
        let rest = match address {
            ServiceAddress::Events { consumer_group, partition, .. } => {
                format!("ConsumerGroups/{consumer_group}/Partitions/{partition}")
            }
            _ => "$management".to_owned(),
        };
        let address = format!("{scheme}://{host}:{port}/{}/{rest}", facts.path);
        refusal::of(
            condition::REDIRECT,
            "The link belongs to the event stream's own endpoint.",
            &self.surroundings.ground,
        )
        .with("hostname", Value::string(host))
        .with("network-host", Value::string(host))
        .with("port", Value::Uint(port.into()))
        .with("address", Value::string(address))
    }
}

/// With this, a reader gets the partition's facts with each event.
const RUNTIME_METRIC: &str = "com.microsoft:enable-receiver-runtime-metric";
