//! Where the events of a hub go: routes over conditions, enrichments, the fallback route, and the endpoints.
//!
//! [`Routing::deliver`] is called for every event, by telemetry and by whatever makes twin, lifecycle and connection events
//! ([`events`]). Events for streams come back to the caller, who keeps them and waits for the disk; batches for storage and
//! events for Event Grid are taken here, into outboxes where there are any, and sent by [`Routing::run`]. A hub without
//! routes costs a look into a map. Source: iot-hub-devguide-messages-d2c, iot-hub-devguide-endpoints, `RoutingProperties` of 2023-06-30.

mod cache;
mod connection_string;
mod endpoint;
mod enrich;
pub mod events;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
mod resume;
mod routable;
mod routes;
mod source;
mod storage;
mod taking;
mod view;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iolite_kernel::Ground;
use iolite_messaging::Message;
use iolite_resources::{EndpointHealth, Hub as HubRecord};
use iolite_store::streams::Appended;
use iolite_store::{StoreError, Table};
use serde_json::Value;

use crate::event_grid::EventGrid;
use crate::outbox::Outboxes;
use cache::Cache;
pub use endpoint::Entity;
use endpoint::Target;
use health::HealthBook;
pub use routable::Routable;
use routes::{EVENT_GRID, Enriched, Routes};
pub use source::Source;
pub(crate) use storage::Storage;
use storage::StorageWriter;
use view::View;

/// Routing for every hub of the world.
pub struct Routing {
    cache: Cache,
    health: Arc<HealthBook>,
    storage: StorageWriter,
    event_grid: Arc<EventGrid>,
    outboxes: Arc<Outboxes>,
    connection_events: AtomicU64,
}

/// Where an event is to be kept; the other endpoints have it already.
#[derive(Debug, Clone)]
pub enum Deliveries {
    /// As it was sent, in the hub's own stream and nowhere else.
    BuiltIn,
    /// As routes have it.
    Routed(Routed),
}

/// What routes make of an event.
#[derive(Debug, Clone, Default)]
pub struct Routed {
    /// The streams that are to keep it.
    pub streams: Vec<Delivery>,
    /// What the outboxes of other endpoints answered: when it is safe there, or why it is not taken.
    pub(crate) outboxes: Vec<Result<Appended, StoreError>>,
}

/// An event for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The stream.
    pub stream: EventStream,
    /// The message to keep; `None` for the one that was sent.
    pub message: Option<Message>,
}

/// A stream of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventStream {
    /// The hub's own.
    BuiltIn,
    /// Another one on this machine.
    Entity(Arc<Entity>),
}

impl Routing {
    /// Routing by the records of `hubs`, to containers reached through `storage` and to the subscriptions of `event_grid`;
    /// what waits for containers is in `outboxes`.
    #[must_use]
    pub(crate) fn new(
        hubs: Table<HubRecord>,
        ground: Ground,
        storage: Storage,
        event_grid: Arc<EventGrid>,
        outboxes: Arc<Outboxes>,
    ) -> Self {
        let health = Arc::new(HealthBook::default());
        Self {
            cache: Cache::new(hubs),
            storage: StorageWriter::new(ground, storage, health.clone(), outboxes.clone()),
            health,
            event_grid,
            outboxes,
            connection_events: AtomicU64::new(0),
        }
    }

    /// Whether an event of this source could go anywhere, so that it is worth making.
    #[must_use]
    pub fn wants(&self, hub: &str, source: Source) -> bool {
        self.event_grid.wants(hub, source) || self.cache.routes(hub).is_some_and(|routes| routes.take(source))
    }

    /// A number that grows with every call, for the order of connection events.
    pub(crate) fn next_connection_event(&self) -> u64 {
        self.connection_events.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Finds where `event` of the hub keyed `hub` goes, and gives it to every endpoint that is no stream. Never waits.
    ///
    /// `twin` answers an object with `tags` and `properties`, as the twin of the device or module stands now; it is asked
    /// only where a condition or an enrichment names a part of it.
    pub fn deliver(&self, hub: &str, event: &Routable<'_>, twin: impl FnOnce() -> Option<Value>) -> Deliveries {
        let Some(routes) = self.cache.routes(hub) else {
            // A hub that is being deleted: nothing says that its messages go elsewhere.
            let is_message = event.source == Source::DeviceMessages;
            return if is_message { Deliveries::BuiltIn } else { Deliveries::Routed(Routed::default()) };
        };
        let subscribed = self.event_grid.wants(hub, event.source);
        if !subscribed && event.source == Source::DeviceMessages && routes.is_plain() {
            return Deliveries::BuiltIn;
        }
        if !subscribed && !routes.take(event.source) {
            return Deliveries::Routed(Routed::default());
        }
        let twin = once(twin);
        let view = View::new(event, &twin);
        let mut chosen = routes.choose(event.source, &view);
        if subscribed && (event.source != Source::DeviceMessages || !routes.filters_event_grid()) {
            chosen |= EVENT_GRID;
        } else if !subscribed {
            chosen &= !EVENT_GRID;
        }
        self.spread(hub, &routes, event, chosen, &twin)
    }

    fn spread(
        &self,
        hub: &str,
        routes: &Routes,
        event: &Routable<'_>,
        chosen: u32,
        twin: &impl Fn() -> Option<Value>,
    ) -> Deliveries {
        let mut routed = Routed::default();
        for (bit, endpoint) in routes.endpoints(chosen) {
            let message = match routes.enriched(event, bit, twin) {
                Enriched::AsSent => None,
                Enriched::Instead(message) => Some(message),
                Enriched::TooHeavy => {
                    let why = "A message was dropped: enriched it is larger than 256 KB.";
                    self.health.failed(hub, &endpoint.name, event.at, why, true);
                    continue;
                }
            };
            let stream = match &endpoint.target {
                Target::BuiltIn => EventStream::BuiltIn,
                Target::Entity(entity) => {
                    self.health.sent(hub, &endpoint.name, event.at);
                    EventStream::Entity(entity.clone())
                }
                other => {
                    let event = Routable { message: message.as_ref().unwrap_or(event.message), ..*event };
                    match other {
                        Target::EventGrid => routed.outboxes.extend(self.event_grid.offer(hub, &event)),
                        Target::Storage(storage) => routed.outboxes.extend(self.storage.take(hub, storage, &event)),
                        Target::Unreachable(why) => self.health.failed(hub, &endpoint.name, event.at, why, true),
                        Target::BuiltIn | Target::Entity(_) => {}
                    }
                    continue;
                }
            };
            routed.streams.push(Delivery { stream, message });
        }
        match &routed.streams[..] {
            [Delivery { stream: EventStream::BuiltIn, message: None }] if routed.outboxes.is_empty() => {
                Deliveries::BuiltIn
            }
            _ => Deliveries::Routed(routed),
        }
    }

    /// The entity of that name, if a hub routes to one.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<Arc<Entity>> {
        self.cache.all().iter().flat_map(|routes| routes.own_endpoints()).find_map(|endpoint| match &endpoint.target {
            Target::Entity(entity) if entity.name.eq_ignore_ascii_case(name) => Some(entity.clone()),
            _ => None,
        })
    }

    /// Every entity that a hub routes to, each name once.
    #[must_use]
    pub fn entities(&self) -> Vec<Arc<Entity>> {
        self.entities_where(|_| true)
    }

    /// The same of the hubs whose keys `which` chooses.
    pub(crate) fn entities_where(&self, which: impl Fn(&str) -> bool) -> Vec<Arc<Entity>> {
        let mut found: Vec<Arc<Entity>> = Vec::new();
        for routes in self.cache.all() {
            for endpoint in routes.own_endpoints() {
                if let Target::Entity(entity) = &endpoint.target
                    && which(&entity.hub)
                    && !found.iter().any(|known| known.name.eq_ignore_ascii_case(&entity.name))
                {
                    found.push(entity.clone());
                }
            }
        }
        found
    }

    /// How the endpoints of the hub keyed `hub` are doing, those of its own user in the order of their lists.
    #[must_use]
    pub fn endpoint_health(&self, hub: &str) -> Vec<EndpointHealth> {
        let Some(routes) = self.cache.routes(hub) else { return Vec::new() };
        let own = routes.own_endpoints().iter().map(|endpoint| {
            let mut health = self.health.of(hub, &endpoint.name, &endpoint.id);
            if let Target::Unreachable(why) = &endpoint.target {
                health.last_error.get_or_insert_with(|| why.clone());
                health.status = "unhealthy";
            }
            health
        });
        own.collect()
    }

    /// Forgets the hub keyed `hub`, which was deleted; batches that were not written go.
    pub fn forget(&self, hub: &str) {
        self.storage.forget(hub);
        self.health.forget(hub);
    }

    /// Writes batches when they are due, for as long as it is polled.
    pub async fn run(&self) {
        self.storage.run().await;
    }

    /// Writes every batch that is open, before the process ends; what cannot be written then is lost, unless it is in an
    /// outbox.
    pub async fn flush(&self) {
        self.storage.flush().await;
    }
}

impl fmt::Debug for Routing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Routing").finish_non_exhaustive()
    }
}

/// `ask`, which is asked once at most, as something that can be asked often.
fn once(ask: impl FnOnce() -> Option<Value>) -> impl Fn() -> Option<Value> {
    let answer = std::cell::LazyCell::new(ask);
    move || std::cell::LazyCell::force(&answer).clone()
}

#[cfg(test)]
mod tests;
