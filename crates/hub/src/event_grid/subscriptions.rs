//! The subscriptions of each hub, kept ready for as long as their table stays what it is.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_resources::EventSubscription;
use iolite_store::{Table, Versioned};
use parking_lot::RwLock;

use super::EventType;
use crate::routing::Source;

/// A subscription and its key.
type Keyed = (Arc<str>, Versioned<EventSubscription>);

pub(super) struct Subscriptions {
    table: Table<EventSubscription>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// How often the table had changed; `None` before the first look.
    changes: Option<u64>,
    hubs: HashMap<String, Arc<Vec<Keyed>>>,
}

impl Subscriptions {
    pub(super) fn new(table: Table<EventSubscription>) -> Self {
        Self { table, known: RwLock::default() }
    }

    /// Whether a subscription to `hub` takes any kind of event that comes from `source`.
    pub(super) fn any(&self, hub: &str, source: Source) -> bool {
        let takes = |(_, subscription): &Keyed| {
            subscription.included_event_types.as_ref().is_none_or(|kinds| {
                EventType::from_source(source).iter().any(|kind| kinds.iter().any(|name| kind.is_named(name)))
            })
        };
        self.look(|known| known.hubs.get(hub).is_some_and(|all| all.iter().any(takes)))
    }

    /// The subscriptions to `hub`.
    pub(super) fn of(&self, hub: &str) -> Arc<Vec<Keyed>> {
        self.look(|known| known.hubs.get(hub).cloned().unwrap_or_default())
    }

    /// The subscription under `key` as it stands now.
    pub(super) fn find(&self, key: &str) -> Option<Versioned<EventSubscription>> {
        self.table.get(key)
    }

    fn look<R>(&self, look: impl Fn(&Known) -> R) -> R {
        let changes = self.table.changes();
        {
            let known = self.known.read();
            if known.changes == Some(changes) {
                return look(&known);
            }
        }
        let mut hubs: HashMap<String, Vec<Keyed>> = HashMap::new();
        for (key, subscription) in self.table.all("") {
            if let Some((hub, _)) = key.split_once('/') {
                hubs.entry(hub.to_owned()).or_default().push((key.clone(), subscription));
            }
        }
        let hubs = hubs.into_iter().map(|(hub, all)| (hub, Arc::new(all))).collect();
        let mut known = self.known.write();
        *known = Known { changes: Some(changes), hubs };
        look(&known)
    }
}
