//! The configurations of a hub, read and put in their order.
//!
//! Made by the runner whenever configurations have changed. The first of several wins: the one of the highest priority, and
//! of equal ones the one made last (iot-hub-automatic-device-management).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use iolite_query::iothub::Query;

use crate::Hub;
use crate::configuration::{Configuration, ContentKind};
use crate::configurations::check;
use crate::configurations::content::Content;
use crate::devices::query_row::Row;
use crate::twins::section::Author;

/// A configuration, ready to be rolled out.
#[derive(Debug)]
pub(super) struct Rollout {
    pub(super) author: Author,
    pub(super) content: Content,
    query: Query,
}

impl Rollout {
    /// `None` where it targets nothing.
    fn read(configuration: &Configuration) -> Option<Self> {
        let query = check::target(configuration.kind, &configuration.target_condition).ok()??;
        let content = Content::read(&configuration.content.fields()).ok()?;
        Some(Self { author: Author { id: configuration.id.clone(), digest: configuration.digest() }, content, query })
    }

    /// Whether it is for the twin that `row` is.
    pub(super) fn is_for(&self, row: &Row<'_>) -> bool {
        self.query.matches(row)
    }
}

/// The configurations of one hub by what they are for, the winning ones first.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) devices: Vec<Rollout>,
    pub(super) modules: Vec<Rollout>,
    pub(super) edge: Vec<Rollout>,
}

impl Plan {
    fn read(hub: &Hub, key: &str) -> Self {
        let mut configurations = hub.configurations.all(&format!("{key}/"));
        configurations.sort_by_key(|(key, configuration)| {
            Reverse((configuration.priority, configuration.created_at, key.clone()))
        });
        let mut plan = Self::default();
        for (_, configuration) in configurations {
            let part = match configuration.kind {
                ContentKind::DeviceContent => &mut plan.devices,
                ContentKind::ModuleContent => &mut plan.modules,
                ContentKind::ModulesContent => &mut plan.edge,
            };
            part.extend(Rollout::read(&configuration));
        }
        plan
    }

    /// Whether there is nothing to roll out.
    pub(super) fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.modules.is_empty() && self.edge.is_empty()
    }
}

/// The plans of hubs, for as long as no configuration changes.
#[derive(Default)]
pub(super) struct Plans {
    changes: u64,
    plans: HashMap<String, Arc<Plan>>,
}

impl Plans {
    /// The plan of the hub keyed `key`.
    pub(super) fn of(&mut self, hub: &Hub, key: &str) -> Arc<Plan> {
        let changes = hub.configurations.changes();
        if changes != self.changes {
            self.plans.clear();
            self.changes = changes;
        }
        self.plans.entry(key.to_owned()).or_insert_with(|| Arc::new(Plan::read(hub, key))).clone()
    }
}
