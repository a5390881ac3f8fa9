//! `DigitalTwinModels_Delete`: deletes a model that no other model needs.
//!
//! Source: the data-plane specification 2023-10-31; the documentation's page on managing models, by which `extends` and
//! components keep a model from being deleted and twins do not (they stay behind without a model). Recorded: a model that
//! only a relationship's `target` names is deleted.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::id_in_path;
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwinModels_Delete",
    method: Method::Delete,
    path: "/models/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/models/delete"], rights: &[] },
    support: Support::Served,
    summary: "Deletes a model that no other model needs.",
};

/// Runs it: 204.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let instance = permit.resource_key();
    let key = Twins::key(&instance, id);
    service
        .store
        .transact(|transaction| {
            if transaction.get(&service.models, &key).is_none() {
                return Err(errors::model_not_found(&[id]));
            }
            let others = transaction.all(&service.models, &Twins::key(&instance, ""));
            let in_need: Vec<&str> = others
                .iter()
                .map(|(_, other)| other)
                .filter(|other| other.id != id && other.interface.needs().any(|needed| needed == id))
                .map(|other| other.id.as_str())
                .collect();
            if !in_need.is_empty() {
                let text = format!(
                    "This model is currently being referenced by {}. Delete those models first.",
                    in_need.join(", ")
                );
                return Err(ServiceError::new(&errors::MODEL_REFERENCES_NOT_DELETED, text));
            }
            transaction.delete(&service.models, &key);
            Ok(())
        })
        .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, interface};

    async fn delete(world: &World, id: &str) -> Result<Value, ServiceError> {
        world.call(&OPERATION, &[("id", id)], "").await
    }

    #[tokio::test]
    async fn a_model_is_gone_after_it_was_deleted() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:A;1", &json!([]))])).await;
        assert_eq!(delete(&world, "dtmi:example:A;1").await.unwrap(), Value::Null);
        assert!(world.model("dtmi:example:A;1").is_none());
        assert_eq!(delete(&world, "dtmi:example:A;1").await.unwrap_err().code.name, "ModelNotFound");
        assert_eq!(delete(&world, "A").await.unwrap_err().code.name, "InvalidArgument");
    }

    #[tokio::test]
    async fn a_model_that_another_needs_stays() {
        let world = World::new();
        let contents = json!([{"@type": "Component", "name": "part", "schema": "dtmi:example:Part;1"}]);
        let mut whole = interface("dtmi:example:Whole;1", &contents);
        whole["extends"] = json!(["dtmi:example:Base;1"]);
        let needed = ["dtmi:example:Part;1", "dtmi:example:Base;1"];
        world.upload(&json!([whole, interface(needed[0], &json!([])), interface(needed[1], &json!([]))])).await;
        for id in needed {
            let error = delete(&world, id).await.unwrap_err();
            assert_eq!((error.code.name, error.code.status), ("ModelReferencesNotDeleted", 409), "{id}");
            assert!(error.message.contains("dtmi:example:Whole;1"));
        }
        delete(&world, "dtmi:example:Whole;1").await.unwrap();
        for id in needed {
            delete(&world, id).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_relationship_does_not_keep_its_target() {
        let world = World::new();
        let contents = json!([{"@type": "Relationship", "name": "cooledBy", "target": "dtmi:example:Hvac;1"}]);
        world
            .upload(&json!([
                interface("dtmi:example:Floor;1", &contents),
                interface("dtmi:example:Hvac;1", &json!([]))
            ]))
            .await;
        assert!(delete(&world, "dtmi:example:Hvac;1").await.is_ok());
    }
}
