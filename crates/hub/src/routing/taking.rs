//! Events of every kind on their way: found a place by routes, and kept in streams.
//!
//! Called by telemetry for each message, and by the news of identities and connections. Nothing here waits: what is kept is
//! told by a receipt, which the hub's own events let go.

use iolite_kernel::ServiceError;
use iolite_messaging::{EventOrigin, HubEvent, Receipt};
use serde_json::{Map, Value, json};

use super::events::{self, About, ConnectionState, Lifecycle, OwnEvent, TwinUpdate};
use super::{Deliveries, Delivery, EventStream, Routable, Routed, Source};
use crate::document::Doc;
use crate::news::{News, What};
use crate::telemetry::{partition_of, receipt, unavailable};
use crate::twins::section::{Section, plain_patch};
use crate::twins::unset::{Nulls, Unset};
use crate::{Hub, Twin, ids, outbox, pnp};

impl Hub {
    /// Finds where `event` of the hub keyed `hub` goes.
    pub(crate) fn deliver(&self, hub: &str, event: &Routable<'_>) -> Deliveries {
        let of = |origin: &EventOrigin| ids::identity_key(hub, &origin.device_id, origin.module_id.as_deref());
        self.routing.deliver(hub, event, || Some(document(&*self.twins.get(&of(event.origin?))?)))
    }

    /// Keeps `event` in every stream of `routed`; the receipt is settled when all have it, and the outboxes too.
    pub(crate) fn keep(&self, hub: &str, event: &Routable<'_>, routed: Routed) -> Result<Receipt, ServiceError> {
        let mut receipts = outbox::receipts(routed.outboxes)?;
        for Delivery { stream, message } in routed.streams {
            let stream = match stream {
                EventStream::BuiltIn => self.own_stream(hub)?,
                EventStream::Entity(entity) => {
                    self.stream(&entity.stream_name(), entity.partition_count, entity.retention_days)?
                }
            };
            let mut bytes = Vec::new();
            let message = message.as_ref().unwrap_or(event.message);
            HubEvent::encode_parts(message, event.source.message_source(), event.origin, &mut bytes);
            receipts.push(stream.append(event.partition, event.at, &bytes).map(receipt).map_err(unavailable)?);
        }
        Ok(joined(receipts))
    }

    /// Sends an event that the hub made itself.
    pub(crate) fn send_own(&self, hub: &str, event: &OwnEvent) {
        let routable = event.routable(partition_of(&event.origin.device_id, self.partition_count(hub)));
        let routed = match self.deliver(hub, &routable) {
            Deliveries::BuiltIn => {
                let streams = vec![Delivery { stream: EventStream::BuiltIn, message: None }];
                Routed { streams, ..Routed::default() }
            }
            Deliveries::Routed(routed) => routed,
        };
        if let Err(error) = self.keep(hub, &routable, routed).map(drop) {
            tracing::warn!(%error, hub, source = event.source.name(), "an event of the hub's own could not be kept");
        }
    }

    /// Tells the hub's routes what happened to an identity.
    pub(crate) fn tell_routes(&self, news: &News) {
        let hub = ids::hub_of(&news.key);
        let source = match &news.what {
            What::Created(_) | What::Deleted(_) => Source::DeviceLifecycleEvents,
            What::Updated { .. } | What::Replaced { .. } => Source::TwinChangeEvents,
        };
        let wanted = self.routing.wants(hub, source);
        let digital = source == Source::TwinChangeEvents && self.routing.wants(hub, Source::DigitalTwinChangeEvents);
        if !wanted && !digital {
            return;
        }
        let Some(record) = self.hubs.get(hub) else { return };
        let about = self.about(record.id.name(), &news.key);
        if wanted && let Some(event) = self.own_event(about, &news.what) {
            self.send_own(hub, &event);
        }
        if digital && let Some(event) = self.digital_twin_event(about, &news.what) {
            self.send_own(hub, &event);
        }
    }

    fn own_event(&self, about: About<'_>, what: &What) -> Option<OwnEvent> {
        Some(match what {
            What::Created(twin) => events::lifecycle(&self.ground, about, Lifecycle::Created, twin),
            What::Deleted(twin) => events::lifecycle(&self.ground, about, Lifecycle::Deleted, twin),
            What::Replaced { after, .. } => events::twin_replaced(&self.ground, about, after),
            What::Updated { before, after, unset } => return self.twin_update(about, before, after, unset),
        })
    }

    /// What a change of the twin of a Plug and Play device or module means to its digital twin. Whoever announced no model
    /// is none.
    fn digital_twin_event(&self, about: About<'_>, what: &What) -> Option<OwnEvent> {
        let (What::Updated { before, after, .. } | What::Replaced { before, after }) = what else { return None };
        after.model_id.as_ref()?;
        let patch = pnp::change::patch(before, after);
        (!patch.is_empty()).then(|| events::digital_twin_change(&self.ground, about, &patch))
    }

    /// Tells the hub's routes that the device or module under `key` came or went.
    pub(crate) fn tell_connection(&self, key: &str, connected: bool) {
        let hub = ids::hub_of(key);
        if !self.routing.wants(hub, Source::DeviceConnectionStateEvents) {
            return;
        }
        let Some(record) = self.hubs.get(hub) else { return };
        let state = if connected { ConnectionState::Connected } else { ConnectionState::Disconnected };
        let about = self.about(record.id.name(), key);
        let event = events::connection_state(&self.ground, about, state, self.routing.next_connection_event());
        self.send_own(hub, &event);
    }

    fn about<'a>(&self, hub_name: &'a str, key: &'a str) -> About<'a> {
        About { hub: hub_name, device: ids::device_of(key), module: ids::module_of(key), at: self.ground.now() }
    }

    /// What an update touched; nothing where it touched nothing that events tell of.
    fn twin_update(&self, about: About<'_>, before: &Twin, after: &Twin, unset: &Unset) -> Option<OwnEvent> {
        let tags = |twin: &Twin| twin.tags.as_ref().map(Doc::fields).unwrap_or_default();
        let tags: Map<String, Value> = plain_patch(&tags(before), &tags(after));
        let tags = (!tags.is_empty()).then(|| Doc::new(&tags));
        let section = |before: &Doc, after: &Doc, unset: &Nulls| {
            let (before, after) = (Section::read(before), Section::read(after));
            (before.version != after.version).then(|| after.change_since(&before, unset))
        };
        let desired = section(&before.desired, &after.desired, &unset.desired);
        let reported = section(&before.reported, &after.reported, &unset.reported);
        if tags.is_none() && desired.is_none() && reported.is_none() {
            return None;
        }
        let update = TwinUpdate {
            version: after.version,
            tags: tags.as_ref(),
            desired: desired.as_ref(),
            reported: reported.as_ref(),
        };
        Some(events::twin_updated(&self.ground, about, update))
    }
}

/// A twin as conditions and enrichments see it.
fn document(twin: &Twin) -> Value {
    json!({
        "tags": twin.tags.as_ref().map(Doc::fields).unwrap_or_default(),
        "properties": {"desired": twin.desired.fields(), "reported": twin.reported.fields()},
    })
}

/// One receipt for all.
fn joined(mut receipts: Vec<Receipt>) -> Receipt {
    receipts.retain(|receipt| !receipt.is_settled());
    if receipts.is_empty() {
        return Receipt::settled();
    }
    Receipt::waiting(Box::pin(async move {
        for receipt in receipts {
            receipt.wait().await?;
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests;
