//! A hub's routes, compiled: which endpoints an event goes to, and what each of them gets.

use iolite_messaging::Message;
use iolite_query::routing::Condition;
use iolite_resources::{BUILT_IN_ENDPOINT, EVENT_GRID_ENDPOINT, Hub, RouteProperties, RoutingProperties};
use serde_json::Value;

use super::endpoint::{Endpoint, Target};
use super::enrich::Enrichment;
use super::view::View;
use super::{Routable, Source};

/// The bit of the built-in endpoint.
pub(crate) const BUILT_IN: u32 = 1;
/// The bit of the hub's Event Grid subscriptions.
pub(crate) const EVENT_GRID: u32 = 2;

/// What a message may weigh with everything that was added to it; a heavier one is dropped
/// (iot-hub-message-enrichments-overview, "Limitations").
const HEAVIEST: usize = 256 * 1024;

/// The routes of one hub.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    hub_name: String,
    /// Each at the place of its bit; more than 32 are never allowed to be written.
    endpoints: Vec<Endpoint>,
    own: Vec<Route>,
    fallback: Option<Route>,
    enrichments: Vec<Enrichment>,
    /// Whether routes say which telemetry goes to Event Grid.
    filters_event_grid: bool,
}

#[derive(Debug, Clone)]
struct Route {
    source: Source,
    condition: Condition,
    targets: u32,
}

impl Routes {
    /// The routes of `hub`.
    pub(crate) fn compile(hub: &Hub) -> Self {
        let properties = RoutingProperties::of(hub);
        let own = |name: &str, target| Endpoint { name: name.to_owned(), id: name.to_owned(), target };
        let mut endpoints = vec![own(BUILT_IN_ENDPOINT, Target::BuiltIn), own(EVENT_GRID_ENDPOINT, Target::EventGrid)];
        endpoints.extend(properties.endpoints.iter().take(30).map(|endpoint| Endpoint::new(hub, endpoint)));
        let targets = |names: &[String]| {
            let named = |endpoint: &Endpoint| names.iter().any(|name| name.eq_ignore_ascii_case(&endpoint.name));
            let bits = endpoints.iter().zip(0u32..).filter(|(endpoint, _)| named(endpoint));
            bits.fold(0, |bits, (_, place)| bits | 1 << place)
        };
        let routes: Vec<Route> =
            properties.routes.iter().filter_map(|route| compile(route, targets(&route.endpoint_names))).collect();
        let fallback = properties.fallback.and_then(|route| compile(&route, targets(&route.endpoint_names)));
        let has_twins = !hub.sku.name.starts_with('B');
        let enrichments = properties.enrichments.iter();
        let enrichments =
            enrichments.map(|added| Enrichment::new(added, targets(&added.endpoint_names), has_twins)).collect();
        Self {
            hub_name: hub.id.name().to_owned(),
            filters_event_grid: routes.iter().any(|route| route.targets & EVENT_GRID != 0),
            endpoints,
            own: routes,
            fallback,
            enrichments,
        }
    }

    /// Whether every message of a device goes to the built-in endpoint as it is, and nowhere else.
    pub(crate) fn is_plain(&self) -> bool {
        let everything = |route: &Route| route.condition.is_always() && route.targets == BUILT_IN;
        !self.own.iter().any(|route| route.source == Source::DeviceMessages)
            && self.fallback.as_ref().is_some_and(everything)
            && self.enrichments.iter().all(|added| added.targets & BUILT_IN == 0)
    }

    /// Whether any event of this source can go anywhere.
    pub(crate) fn take(&self, source: Source) -> bool {
        self.own.iter().any(|route| route.source == source)
            || (source == Source::DeviceMessages && self.fallback.is_some())
    }

    /// Whether routes, and not the subscriptions alone, say which telemetry goes to Event Grid.
    pub(crate) fn filters_event_grid(&self) -> bool {
        self.filters_event_grid
    }

    /// The endpoints that `view` of an event of `source` goes to, a bit each: each once, whatever routes lead there. The
    /// fallback route takes messages of devices that no other took, Event Grid not counted.
    pub(crate) fn choose<T: FnOnce() -> Option<Value>>(&self, source: Source, view: &View<'_, T>) -> u32 {
        let mut chosen = 0;
        for route in self.own.iter().filter(|route| route.source == source) {
            if route.targets & !chosen != 0 && route.condition.matches(view) {
                chosen |= route.targets;
            }
        }
        if chosen & !EVENT_GRID == 0
            && source == Source::DeviceMessages
            && let Some(fallback) = &self.fallback
            && fallback.condition.matches(view)
        {
            chosen |= fallback.targets;
        }
        chosen
    }

    /// The endpoints of `chosen`, with their bits.
    pub(crate) fn endpoints(&self, chosen: u32) -> impl Iterator<Item = (u32, &Endpoint)> {
        let bits = self.endpoints.iter().zip(0u32..).map(|(endpoint, place)| (1 << place, endpoint));
        bits.filter(move |(bit, _)| bit & chosen != 0)
    }

    /// All endpoints of the user's own.
    pub(crate) fn own_endpoints(&self) -> &[Endpoint] {
        self.endpoints.get(2..).unwrap_or_default()
    }

    /// What the endpoint `bit` gets instead of the message itself. Digital twin changes are never enriched.
    pub(crate) fn enriched(&self, event: &Routable<'_>, bit: u32, twin: impl FnOnce() -> Option<Value>) -> Enriched {
        if event.source == Source::DigitalTwinChangeEvents {
            return Enriched::AsSent;
        }
        let mut added = self.enrichments.iter().filter(|added| added.targets & bit != 0).peekable();
        if added.peek().is_none() {
            return Enriched::AsSent;
        }
        let reads_twin = self.enrichments.iter().any(|added| added.targets & bit != 0 && added.reads_twin());
        let twin = if reads_twin { twin() } else { None };
        let mut message = event.message.clone();
        for enrichment in added {
            enrichment.apply(&mut message, &self.hub_name, twin.as_ref());
        }
        if message.size() > HEAVIEST { Enriched::TooHeavy } else { Enriched::Instead(message) }
    }
}

/// What an endpoint gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Enriched {
    /// The message as it was sent.
    AsSent,
    /// This one.
    Instead(Message),
    /// Nothing: what was added makes it too heavy.
    TooHeavy,
}

/// A route that is not enabled, leads nowhere or cannot be compiled takes nothing.
fn compile(route: &RouteProperties, targets: u32) -> Option<Route> {
    if !route.is_enabled || targets == 0 {
        return None;
    }
    let source = Source::of_name(&route.source)?;
    let condition = Condition::compile(route.condition.as_deref().unwrap_or_default()).ok()?;
    Some(Route { source, condition, targets })
}
