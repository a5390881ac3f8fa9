//! Compiled routes, one set per hub, for as long as the hub's record stays what it is.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_resources::Hub as HubRecord;
use iolite_store::Table;
use parking_lot::RwLock;

use super::routes::Routes;

/// The routes of all hubs.
pub(crate) struct Cache {
    hubs: Table<HubRecord>,
    compiled: RwLock<HashMap<String, Compiled>>,
}

struct Compiled {
    /// How often the hubs' table had changed when this was found to hold.
    changes: u64,
    revision: u64,
    routes: Arc<Routes>,
}

impl Cache {
    pub(crate) fn new(hubs: Table<HubRecord>) -> Self {
        Self { hubs, compiled: RwLock::default() }
    }

    /// The routes of the hub keyed `hub`, if it is there.
    pub(crate) fn routes(&self, hub: &str) -> Option<Arc<Routes>> {
        let changes = self.hubs.changes();
        if let Some(known) = self.compiled.read().get(hub)
            && known.changes == changes
        {
            return Some(known.routes.clone());
        }
        let Some(record) = self.hubs.get(hub) else {
            self.compiled.write().remove(hub);
            return None;
        };
        let mut compiled = self.compiled.write();
        if let Some(known) = compiled.get_mut(hub)
            && known.revision == record.revision
        {
            known.changes = changes;
            return Some(known.routes.clone());
        }
        let routes = Arc::new(Routes::compile(&record));
        compiled.insert(hub.to_owned(), Compiled { changes, revision: record.revision, routes: routes.clone() });
        Some(routes)
    }

    /// The routes of every hub.
    pub(crate) fn all(&self) -> Vec<Arc<Routes>> {
        self.hubs.all("").iter().filter_map(|(key, _)| self.routes(key)).collect()
    }
}
