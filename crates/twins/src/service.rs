//! The service: the tables of models and twins, and what runs on them.
//!
//! Made once by the wiring and shared; it holds every instance of the world, each record keyed by its instance.

use std::fmt;

use iolite_access::{Handler, handler};
use iolite_kernel::{Ground, Operation, ServiceError};
use iolite_resources::{Estate, ResourceContents, TwinsInstance};
use iolite_store::{Store, Table, Transaction};

use crate::models::{self, Model};
use crate::twins::{self, Twin};
use crate::{components, delete_jobs, errors, event_routes, import_jobs, query, relationships, telemetry};

/// Azure Digital Twins; cheap to share.
#[expect(clippy::struct_field_names, reason = "the service is named after what it keeps")]
pub struct Twins {
    pub(crate) store: Store,
    instances: Table<TwinsInstance>,
    pub(crate) models: Table<Model>,
    pub(crate) twins: Table<Twin>,
    pub(crate) ground: Ground,
}

impl Twins {
    /// The service over the estate's store.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground) -> Self {
        let instances = estate.twins_instances;
        Self { instances, models: estate.store.table(), twins: estate.store.table(), store: estate.store, ground }
    }

    /// Refuses a change of what the instance keyed `instance` holds once that is deleted: what a request that was let in
    /// before wrote then would stay for ever. Twins need a model, so that only the first of an instance's records asks.
    pub(crate) fn require(&self, transaction: &Transaction<'_>, instance: &str) -> Result<(), ServiceError> {
        match transaction.get(&self.instances, instance) {
            Some(_) => Ok(()),
            None => Err(ServiceError::new(&errors::INSTANCE_NOT_FOUND, "The instance does not exist any more.")),
        }
    }

    /// The key of a record: `instance/id`, where `instance` is the instance's name in lower case.
    pub(crate) fn key(instance: &str, id: &str) -> String {
        format!("{instance}/{id}")
    }
}

/// Every operation that is served.
#[must_use]
pub fn handlers() -> &'static [Handler<Twins>] {
    const HANDLERS: &[Handler<Twins>] = &[
        handler!(models::add),
        handler!(models::list),
        handler!(models::get),
        handler!(models::update),
        handler!(models::delete),
        handler!(twins::get),
        handler!(twins::put),
        handler!(twins::update),
        handler!(twins::delete),
    ];
    HANDLERS
}

/// Every operation that is known and not built.
#[must_use]
pub fn refused() -> &'static [&'static Operation] {
    const REFUSED: &[&Operation] = &[
        &query::QUERY_TWINS,
        &relationships::GET_BY_ID,
        &relationships::ADD,
        &relationships::UPDATE,
        &relationships::DELETE,
        &relationships::LIST,
        &relationships::LIST_INCOMING,
        &components::GET,
        &components::UPDATE,
        &telemetry::SEND,
        &telemetry::SEND_FROM_COMPONENT,
        &event_routes::LIST,
        &event_routes::GET_BY_ID,
        &event_routes::ADD,
        &event_routes::DELETE,
        &import_jobs::LIST,
        &import_jobs::ADD,
        &import_jobs::GET_BY_ID,
        &import_jobs::DELETE,
        &import_jobs::CANCEL,
        &delete_jobs::ADD,
        &delete_jobs::LIST,
        &delete_jobs::GET_BY_ID,
    ];
    REFUSED
}

impl fmt::Debug for Twins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Twins")
            .field("models", &self.models)
            .field("twins", &self.twins)
            .finish_non_exhaustive()
    }
}

impl ResourceContents for Twins {
    fn resource_type(&self) -> &'static str {
        TwinsInstance::TYPE
    }

    fn remove(&self, transaction: &mut Transaction<'_>, key: &str) {
        let prefix = Self::key(key, "");
        for (key, _) in transaction.all(&self.models, &prefix) {
            transaction.delete(&self.models, &key);
        }
        for (key, _) in transaction.all(&self.twins, &prefix) {
            transaction.delete(&self.twins, &key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iolite_kernel::{Need, ServiceError, Support};
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface};

    fn operations() -> impl Iterator<Item = &'static Operation> {
        handlers().iter().map(|handler| handler.operation).chain(refused().iter().copied())
    }

    #[test]
    fn every_operation_of_the_specification_is_served_or_refused_by_name() {
        let names: BTreeSet<_> = operations().map(|operation| operation.name).collect();
        let places: BTreeSet<_> = operations().map(|operation| (operation.method.name(), operation.path)).collect();
        assert_eq!((names.len(), places.len()), (32, 32));
        assert!(handlers().iter().all(|handler| handler.operation.support == Support::Served));
        assert!(
            refused().iter().all(|operation| matches!(operation.support, Support::Refused(why) if !why.is_empty()))
        );
    }

    #[test]
    fn every_operation_asks_for_digital_twins_data_actions_and_takes_no_sas() {
        for operation in operations() {
            let Need::DataPlane { actions, rights } = operation.need else { panic!("{operation}") };
            assert!(rights.is_empty(), "{operation}");
            assert!(
                !actions.is_empty() && actions.iter().all(|action| action.starts_with("Microsoft.DigitalTwins/")),
                "{operation}"
            );
        }
    }

    #[tokio::test]
    async fn a_deleted_instance_leaves_nothing_and_takes_nothing_of_its_neighbour() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:Room;1", &json!([]))])).await;
        world.put("room1", &json!({"$metadata": {"$model": "dtmi:example:Room;1"}})).await.unwrap();
        let service = &world.service;
        let remove = |key: &'static str| {
            service.store.transact(move |transaction| {
                service.remove(transaction, key);
                Ok::<_, ServiceError>(())
            })
        };
        remove("contoso").await.unwrap();
        assert!(world.model("dtmi:example:Room;1").is_some() && world.twin("room1").is_some());
        remove("contoso-twins").await.unwrap();
        assert!(world.model("dtmi:example:Room;1").is_none() && world.twin("room1").is_none());
    }

    /// The permits of these tests are made beforehand, so each call is of a request that was let in before.
    #[tokio::test]
    async fn a_request_that_comes_too_late_writes_nothing_of_a_deleted_instance() {
        let world = World::new();
        let (service, room) = (&world.service, json!([interface("dtmi:example:Room;1", &json!([]))]));
        world.upload(&room).await;
        let deleted = service.store.transact(|transaction| {
            service.remove(transaction, "contoso-twins");
            transaction.delete(&service.instances, "contoso-twins");
            Ok::<_, ServiceError>(())
        });
        deleted.await.unwrap();
        assert!(world.put("room1", &json!({"$metadata": {"$model": "dtmi:example:Room;1"}})).await.is_err());
        let refused = world.call(&models::add::OPERATION, &[], &room.to_string()).await.unwrap_err();
        assert_eq!(refused.code, &errors::INSTANCE_NOT_FOUND);
        assert_eq!((service.models.count(""), service.twins.count("")), (0, 0));
    }
}
