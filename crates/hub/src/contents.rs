//! What goes when a hub is deleted through Resource Manager.

use iolite_resources::{Hub as HubResource, ResourceContents};
use iolite_store::{Record, Table, Transaction};

use crate::Hub;

impl ResourceContents for Hub {
    fn resource_type(&self) -> &'static str {
        HubResource::TYPE
    }

    fn remove(&self, transaction: &mut Transaction<'_>, key: &str) {
        let prefix = format!("{key}/");
        clear(transaction, &self.devices, &prefix);
        clear(transaction, &self.modules, &prefix);
        clear(transaction, &self.twins, &prefix);
        clear(transaction, &self.configurations, &prefix);
        clear(transaction, &self.jobs, &prefix);
        clear(transaction, &self.device_jobs, &prefix);
        clear(transaction, &self.registry_jobs, &prefix);
        clear(transaction, &self.notices.table, &prefix);
        clear(transaction, &self.uploads, &prefix);
        clear(transaction, &self.presences, &prefix);
        clear(transaction, &self.bound, &prefix);
        clear(transaction, &self.feedback_records, &prefix);
        self.routing.forget(key);
    }
}

fn clear<T: Record>(transaction: &mut Transaction<'_>, table: &Table<T>, prefix: &str) {
    for (key, _) in transaction.all(table, prefix) {
        transaction.delete(table, &key);
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::ServiceError;
    use serde_json::json;

    use super::*;
    use crate::fixture::World;

    #[tokio::test]
    async fn a_deleted_hub_leaves_nothing_and_takes_nothing_of_another() {
        let world = World::new();
        world.put_device("dev1", json!({"deviceId": "dev1", "capabilities": {"iotEdge": true}})).await;
        let hub = &world.hub;
        hub.change("contoso-hub-2", |registry| {
            let twin = crate::registry::FirstTwin::empty(crate::twin::Birth::Device);
            registry.create_device("dev1", &crate::registry::DeviceSpec::default(), &twin)
        })
        .await
        .unwrap();
        let removed: Result<(), ServiceError> = hub
            .store
            .transact(|transaction| {
                hub.remove(transaction, World::KEY);
                Ok(())
            })
            .await;
        removed.unwrap();
        assert_eq!((hub.devices.count(""), hub.twins.count(""), hub.modules.count("")), (1, 1, 0));
        assert!(hub.device("contoso-hub-2", "dev1").is_ok());
    }
}
