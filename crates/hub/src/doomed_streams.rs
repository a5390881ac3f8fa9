//! Streams that are to go: those of a hub that was deleted.
//!
//! They are written down by the very transaction that deletes the hub, so that no crash leaves them behind, and no new hub
//! of the same name finds the events of the old one: until they are gone nobody gets them. Removing a stream waits for the
//! disk, which a transaction never does.

use std::sync::Arc;

use iolite_store::{Record, Transaction};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use crate::Hub;

/// A stream that is to go; keyed by its name.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct DoomedStream {}

impl Record for DoomedStream {
    const COLLECTION: &'static str = "hub.doomed-streams";
}

impl Hub {
    /// Notes that the streams of the hub keyed `hub` are to go: its own, its outboxes, and entities that no other hub
    /// routes to.
    pub(crate) fn doom_streams(&self, transaction: &mut Transaction<'_>, hub: &str) {
        let own = Self::own_stream_name(hub);
        let outboxes = format!("outbox/{hub}/");
        let others: Vec<String> =
            self.routing.entities_where(|other| other != hub).into_iter().map(|entity| entity.stream_name()).collect();
        for name in self.streams.names() {
            let is_entity = name.starts_with("entity-") && !others.contains(&name);
            if name == own || name.starts_with(&outboxes) || is_entity {
                transaction.put(&self.doomed_streams, &name, DoomedStream {});
            }
        }
    }

    /// Removes streams that are to go, for as long as it is polled.
    pub(crate) async fn bury_streams(self: Arc<Self>) {
        let mut changes = self.store.watch_of(&[DoomedStream::COLLECTION]);
        loop {
            for (name, _) in self.doomed_streams.all("") {
                if let Err(error) = self.bury(&name).await {
                    tracing::warn!(%error, stream = %name, "the events of a deleted hub are still kept");
                }
            }
            if let Err(RecvError::Closed) = changes.recv().await {
                return;
            }
        }
    }

    async fn bury(&self, name: &str) -> Result<(), iolite_store::StoreError> {
        self.streams.remove(name).await?;
        self.store
            .transact(|transaction| {
                transaction.delete(&self.doomed_streams, name);
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Timestamp;
    use iolite_store::streams::{Limits, Streams};
    use serde_json::json;

    use super::*;
    use crate::fixture::World;

    fn folders(path: &std::path::Path) -> usize {
        std::fs::read_dir(path).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    }

    #[tokio::test]
    async fn the_events_of_a_deleted_hub_go_from_the_disk_and_a_new_one_of_its_name_finds_none() {
        let folder = tempfile::tempdir().unwrap();
        let (streams, _) = Streams::open(folder.path(), Limits::default()).unwrap();
        let world = World::with_streams(streams);
        let endpoint = json!({"name": "hot", "connectionString": "Endpoint=sb://localhost/;EntityPath=Hot"});
        let routing = json!({"endpoints": {"eventHubs": [endpoint]}});
        world.put_hub_properties(json!({"routing": routing})).await;
        let hub = &world.hub;
        let names =
            [Hub::own_stream_name(World::KEY), "entity-hot".to_owned(), "outbox/contoso-hub/storage/cold".to_owned()];
        for name in names.iter().map(String::as_str).chain(["hub-other"]) {
            let appended = hub.stream(name, 1, 1).unwrap().append(0, Timestamp::UNIX_EPOCH, b"event").unwrap();
            appended.durable.wait().await.unwrap();
        }
        assert_eq!(folders(&folder.path().join("streams")), 4);
        world.delete_hub(World::KEY).await;
        world.put_hub_properties(json!({})).await;
        assert_eq!(hub.own_stream(World::KEY).unwrap_err().code.status, 503, "not before the old events are gone");
        let burying = tokio::spawn(hub.clone().bury_streams());
        while hub.doomed_streams.count("") > 0 {
            tokio::task::yield_now().await;
        }
        burying.abort();
        assert_eq!((hub.streams.names(), folders(&folder.path().join("streams"))), (vec!["hub-other".to_owned()], 1));
        assert!(hub.own_stream(World::KEY).unwrap().bounds(0).unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_entity_that_another_hub_routes_to_stays() {
        let world = World::new();
        let endpoint = json!({"name": "hot", "connectionString": "Endpoint=sb://localhost/;EntityPath=hot"});
        let properties = json!({"routing": {"endpoints": {"eventHubs": [endpoint]}}});
        world.put_hub_properties(properties.clone()).await;
        world.put_hub("another", properties).await;
        world.hub.stream("entity-hot", 1, 1).unwrap();
        world.delete_hub(World::KEY).await;
        assert!(world.hub.doomed_streams.get("entity-hot").is_none());
        world.delete_hub("another").await;
        assert!(world.hub.doomed_streams.get("entity-hot").is_some());
    }
}
