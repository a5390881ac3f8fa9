//! An Event Hubs-style entity: the hub's own events, or those of an endpoint that it routes to.
//!
//! Found by its path, since hosts tell nothing on one machine; read through a permit for its hub.

use std::sync::Arc;

use iolite_kernel::{Right, Rights, ServiceError, Timestamp};
use iolite_resources::{Hub as HubRecord, SharedAccessPolicy};
use iolite_store::Versioned;
use iolite_store::streams::Stream;

use crate::Hub;

/// The consumer group that every entity has.
const DEFAULT_GROUP: &str = "$Default";

/// An entity.
#[derive(Clone)]
pub struct EventEntity {
    /// The hub whose entity it is, or that routes to it.
    pub hub: Versioned<HubRecord>,
    /// Its path as it is written.
    pub path: String,
    /// Its own policy, where it is not read by the hub's.
    pub own_policy: Option<SharedAccessPolicy>,
    pub(crate) stream: Arc<Stream>,
    pub(crate) created_at: Timestamp,
}

impl EventEntity {
    /// Whether it has the consumer group `name`; groups compare without case.
    pub(crate) fn has_group(&self, name: &str) -> bool {
        // An endpoint's entity has no record of its own that could hold groups: it has those of the hub that routes to it.
        name.eq_ignore_ascii_case(DEFAULT_GROUP)
            || self.hub.events.consumer_groups.keys().any(|group| group.eq_ignore_ascii_case(name))
    }

    /// The partition of that id.
    pub(crate) fn partition(&self, id: &str) -> Option<u32> {
        let number: u32 = id.parse().ok()?;
        (number.to_string() == id && number < self.stream.partitions()).then_some(number)
    }
}

impl Hub {
    /// The built-in entity of `hub`.
    pub fn own_entity(&self, hub: Versioned<HubRecord>) -> Result<EventEntity, ServiceError> {
        let stream = self.own_stream(&hub.id.name().to_ascii_lowercase())?;
        Ok(EventEntity { path: hub.events.path.clone(), own_policy: None, stream, created_at: hub.created_at, hub })
    }

    /// The entity at `path`; paths compare without case.
    pub fn event_entity(&self, path: &str) -> Result<Option<EventEntity>, ServiceError> {
        let is_it = |hub: &HubRecord| hub.events.path.eq_ignore_ascii_case(path);
        let own = self.hubs.all("").into_iter().map(|(_, hub)| hub).find(|hub| is_it(hub));
        match own {
            Some(hub) => self.own_entity(hub).map(Some),
            None => self.routed_entity(path),
        }
    }

    /// The entity that a hub's endpoint leads to.
    fn routed_entity(&self, path: &str) -> Result<Option<EventEntity>, ServiceError> {
        let Some(entity) = self.routing.entity(path) else { return Ok(None) };
        let Some(hub) = self.hubs.get(&entity.hub) else { return Ok(None) };
        let stream = self.stream(&entity.stream_name(), entity.partition_count, entity.retention_days)?;
        // Its connection string has one key, which opens it as either key of a policy would.
        let own_policy = entity.policy.clone().map(|(key_name, key)| SharedAccessPolicy {
            key_name,
            primary_key: key.clone(),
            secondary_key: key,
            rights: Rights::of(&[Right::ServiceConnect]),
        });
        Ok(Some(EventEntity { path: entity.name.to_string(), own_policy, stream, created_at: hub.created_at, hub }))
    }
}
