//! The hub's and Event Hubs' face on AMQP: what is said on one connection, and what it means.
//!
//! A [`Conversation`] owns an engine and obeys its events: tokens on `$cbs`, device links, service links, event readers,
//! `$management`. Whatever takes time is a job; its end is a continuation on the conversation. Nothing here does I/O or
//! decides who may do what: that is the doors' business.

mod address;
mod attach;
mod batch;
mod cbs;
mod commands;
mod device_bound;
mod devices;
mod events;
mod filter;
mod jobs;
mod link;
mod management;
mod message;
mod methods;
mod notices;
mod refusal;
mod request;
mod service_links;
mod sign_in;
mod telemetry;
mod tokens;
mod twin;

use std::collections::HashMap;
use std::sync::Arc;

use iolite_kernel::Ground;
use iolite_messaging::{Arrival, DeviceDoor, ServiceDoor};

use crate::codec::{AmqpError, condition};
use crate::engine::{Engine, Event, LinkId, Settings, Ticket};
use devices::{Device, DeviceKey};
use jobs::Jobs;
use link::{Kind, Link};
use tokens::Tokens;

/// The doors and the world that a conversation needs.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) devices: Arc<dyn DeviceDoor>,
    pub(crate) services: Arc<dyn ServiceDoor>,
    pub(crate) ground: Ground,
}

/// One connection's conversation.
pub(crate) struct Conversation {
    pub(crate) engine: Engine,
    pub(crate) jobs: Jobs,
    surroundings: Surroundings,
    arrival: Arrival,
    tokens: Tokens,
    links: HashMap<LinkId, Link>,
    devices: HashMap<DeviceKey, Device>,
    /// Counts sign-ins, so that news of a session that is gone reach no later one.
    generation: u64,
}

impl Conversation {
    pub(crate) fn new(surroundings: Surroundings, arrival: Arrival, settings: Settings) -> Self {
        Self {
            engine: Engine::new(settings),
            jobs: Jobs::default(),
            surroundings,
            arrival,
            tokens: Tokens::default(),
            links: HashMap::new(),
            devices: HashMap::new(),
            generation: 0,
        }
    }

    /// Takes bytes from the peer.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.engine.receive(bytes);
        self.obey();
    }

    /// Goes on where a job ended.
    pub(crate) fn go_on(&mut self, then: jobs::Then) {
        then(self);
        self.obey();
    }

    /// Does what was begun before the connection ended, its sessions being over: a peer that settles a message and closes
    /// at once has settled it.
    pub(crate) async fn finish(&mut self) {
        while let Some(then) = self.jobs.last().await {
            self.go_on(then);
        }
    }

    /// Obeys the engine's events until there are none.
    pub(crate) fn obey(&mut self) {
        while let Some(event) = self.engine.next_event() {
            self.on_event(event);
        }
    }

    /// Ends the connection because the process ends.
    pub(crate) fn drain(&mut self) {
        self.engine.close(Some(AmqpError::new(condition::CONNECTION_FORCED, "The service is shutting down.")));
        self.obey();
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Sasl(init) => self.on_sasl(&init),
            Event::Opened(opened) => {
                let named =
                    opened.open.hostname.as_deref().map(iolite_messaging::bare_host).filter(|host| !host.is_empty());
                if let Some(host) = named {
                    self.arrival.host = host;
                }
                if let Some(agent) = opened.open.properties.as_ref().and_then(agent_of) {
                    self.arrival.client.agent = agent.into();
                }
            }
            Event::Attached { link, attach } => self.on_attach(link, &attach),
            Event::Delivery { ticket, format, payload } => self.on_delivery(ticket, format, payload),
            Event::Credit { link } => self.on_credit(link),
            Event::Outcome { link, delivery, outcome, settled } => self.on_outcome(link, delivery, outcome, settled),
            Event::Detached { link } => self.on_detached(link),
            Event::Closed { .. } => self.end_sessions(true),
        }
    }

    fn on_delivery(&mut self, ticket: Ticket, format: u32, payload: bytes::Bytes) {
        let Some(link) = self.links.get(&ticket.link) else { return };
        match &link.kind {
            Kind::Cbs => self.on_put_token(ticket, payload),
            Kind::Management(_) => self.on_management_request(ticket, payload),
            Kind::Telemetry(key) => {
                let key = key.clone();
                self.on_telemetry(ticket, &key, format, payload);
            }
            Kind::TwinRequests(_) => self.on_twin_request(ticket, payload),
            Kind::MethodAnswers(key) => {
                let key = key.clone();
                self.on_method_answer(ticket, &key, payload);
            }
            Kind::Commands(_) => self.on_command(ticket, payload),
            _ => self.engine.detach(ticket.link, Some(AmqpError::new(condition::NOT_ALLOWED, "The link only sends."))),
        }
    }

    fn on_credit(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        match &link.kind {
            Kind::DeviceBound(_) => self.pump_device_bound(id),
            Kind::Notices(_) => self.pump_notices(id),
            Kind::Events(_) => self.pump_events(id),
            _ => self.flush(id),
        }
    }

    /// The peer is gone, politely or not.
    pub(crate) fn end_sessions(&mut self, clean: bool) {
        for (_, device) in self.devices.drain() {
            device.end(clean);
        }
        self.links.clear();
    }
}

/// The client's name as its open's properties tell it.
fn agent_of(properties: &crate::codec::Map) -> Option<String> {
    let text = |name| properties.text(name).unwrap_or_default();
    let agent = match (text("user-agent"), text("product"), text("version")) {
        ("", "", _) => return None,
        ("", product, "") => product.to_owned(),
        ("", product, version) => format!("{product}/{version}"),
        (agent, ..) => agent.to_owned(),
    };
    Some(agent.chars().take(512).collect())
}
