//! A hub with routes for the unit tests of routing and of Event Grid.

use iolite_kernel::{Ground, Scope, ServiceError};
use iolite_messaging::EventOrigin;
use iolite_resources::{BuiltInEvents, Estate, Hub as HubRecord, HubSku};
use iolite_store::Store;
use serde_json::{Map, Value};

/// An estate with the one hub `Contoso-Hub`, whose routing is `routing`; nothing was said of it where that is empty.
pub(crate) async fn estate_with_hub(routing: Value) -> (Estate, HubRecord) {
    let estate = Estate::new(Store::memory(), crate::fixture::tenant());
    let hub = hub(routing);
    put(&estate, hub.clone()).await;
    (estate, hub)
}

/// A device's own doing.
pub(crate) fn origin(device_id: &str) -> EventOrigin {
    EventOrigin { device_id: device_id.into(), module_id: None, generation: "1".into(), auth_method: "{}".into() }
}

/// Keeps `hub` as it is now.
pub(crate) async fn put(estate: &Estate, hub: HubRecord) {
    let kept = estate.store.transact(|transaction| {
        transaction.put(&estate.hubs, "contoso-hub", hub.clone());
        Ok::<(), ServiceError>(())
    });
    kept.await.unwrap();
}

pub(crate) fn hub(routing: Value) -> HubRecord {
    let mut other_properties = Map::new();
    if routing.as_object().is_some_and(|routing| !routing.is_empty()) {
        other_properties.insert("routing".to_owned(), routing);
    }
    HubRecord {
        id: Scope::resource("s", "contoso", HubRecord::TYPE, "Contoso-Hub"),
        location: "westeurope".to_owned(),
        tags: std::collections::BTreeMap::new(),
        sku: HubSku { name: "S1".to_owned(), capacity: 1 },
        host_name: "contoso-hub.azure-devices.net".to_owned(),
        policies: Vec::new(),
        disable_local_auth: false,
        disable_device_sas: false,
        disable_module_sas: false,
        events: BuiltInEvents {
            path: "contoso-hub".to_owned(),
            partition_count: 4,
            retention_days: 1,
            consumer_groups: std::collections::BTreeMap::new(),
        },
        identity: None,
        created_at: Ground::system().now(),
        other_properties,
    }
}
