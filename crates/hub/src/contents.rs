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
        self.outboxes.clear_positions(transaction, &prefix);
        self.doom_streams(transaction, key);
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
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::blobs::memory::MemoryBlobs;
    use crate::errors;
    use crate::fixture::World;
    use crate::notifications::NoticeQueue;

    #[tokio::test]
    async fn a_deleted_hub_leaves_nothing_and_takes_nothing_of_another() {
        let world = World::new();
        world.put_device("dev1", json!({"deviceId": "dev1", "capabilities": {"iotEdge": true}})).await;
        let hub = &world.hub;
        world.put_hub("contoso-hub-2", json!({})).await;
        hub.change("contoso-hub-2", |registry| {
            let twin = crate::registry::FirstTwin::empty(crate::twin::Birth::Device);
            registry.create_device("dev1", &crate::registry::DeviceSpec::default(), &twin)
        })
        .await
        .unwrap();
        world.delete_hub(World::KEY).await;
        assert_eq!((hub.devices.count(""), hub.twins.count(""), hub.modules.count("")), (1, 1, 0));
        assert!(hub.device("contoso-hub-2", "dev1").is_ok());
    }

    /// How many records there are, of whatever kind.
    fn records(hub: &Hub) -> usize {
        hub.devices.count("")
            + hub.modules.count("")
            + hub.twins.count("")
            + hub.configurations.count("")
            + hub.jobs.count("")
            + hub.device_jobs.count("")
            + hub.registry_jobs.count("")
            + hub.notices.table.count("")
            + hub.uploads.count("")
            + hub.presences.count("")
            + hub.bound.count("")
            + hub.feedback_records.count("")
    }

    /// A request that was let in before the hub was deleted, and comes to its change afterwards: the permits of these tests
    /// are made beforehand, so each call below is one.
    #[tokio::test]
    async fn a_request_that_comes_too_late_writes_nothing_of_a_deleted_hub() {
        let world = World::with_blobs(Arc::new(MemoryBlobs::default()));
        let storage = json!({"$default": {
            "connectionString": "UseDevelopmentStorage=true", "containerName": "uploads", "sasTtlAsIso8601": "PT1H",
        }});
        world.put_hub_properties(json!({"storageEndpoints": storage})).await;
        let method = json!({"methodName": "reboot"});
        let job = json!({"type": "scheduleDeviceMethod", "queryCondition": "*", "cloudToDeviceMethod": method});
        let container = "https://account.blob.core.windows.net/c?sig=x";
        let export = json!({"type": "export", "outputBlobContainerUri": container, "excludeKeysInExport": true});
        let twin = json!({"tags": {"a": 1}});
        let configuration = json!({
            "id": "c1", "content": {"deviceContent": {"properties.desired.a": 1}}, "targetCondition": "", "priority": 1,
        });
        let upload = json!({"blobName": "b"});
        let calls = [
            ("Devices_CreateOrUpdateIdentity", vec![("id", "new")], json!({"deviceId": "new"})),
            (
                "Modules_CreateOrUpdateIdentity",
                vec![("id", "d1"), ("mid", "m1")],
                json!({"deviceId": "d1", "moduleId": "m1"}),
            ),
            ("Devices_UpdateTwin", vec![("id", "d1")], twin),
            ("Configuration_CreateOrUpdate", vec![("id", "c1")], configuration),
            ("Jobs_CreateScheduledJob", vec![("id", "j1")], job),
            ("Jobs_CreateImportExportJob", vec![], export),
            ("Device_CreateFileUploadSasUri", vec![("id", "d1")], upload),
        ];
        world.put_device("d1", json!({"deviceId": "d1"})).await;
        for (name, params, body) in &calls {
            world.call(name, params, &[], body.clone()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(records(&world.hub) > calls.len());
        // The upload's device is known from its record, which is still read before the change.
        world.delete_hub(World::KEY).await;
        assert_eq!(records(&world.hub), 0);
        for (name, params, body) in calls {
            assert!(world.call(name, &params, &[], body).await.is_err(), "{name}");
        }
        let told = world.hub.notify(World::KEY, NoticeQueue::Feedback, "[]".to_owned()).await;
        assert_eq!(told.unwrap_err().code, &errors::IOT_HUB_NOT_FOUND);
        assert_eq!(records(&world.hub), 0);
    }
}
