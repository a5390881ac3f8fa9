//! `DigitalTwinModels_Add`: uploads one or more models, all of them or none.
//!
//! Source: the data-plane specification 2023-10-31; answers and refusals as recorded with the public SDKs in 2022 and 2023.

use std::collections::BTreeMap;

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_store::Transaction;

use super::{MOST_MODELS, Model, definition, entry::Entry};
use crate::{Twins, errors, payload, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwinModels_Add",
    method: Method::Post,
    path: "/models",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/models/write"], rights: &[] },
    support: Support::Served,
    summary: "Uploads models; when one of them is refused, none is kept.",
};

/// The most models in one upload (the service's published limit).
const MOST_AT_ONCE: usize = 250;

/// Runs it: 201 with a bare array of the new models, without their definitions, in the order sent.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let instance = permit.resource_key();
    let models = read(service, &request)?;
    service
        .store
        .transact(|transaction| {
            service.require(transaction, &instance)?;
            check_references(service, transaction, &instance, &models)?;
            check_new(service, transaction, &instance, &models)?;
            for model in &models {
                transaction.put(&service.models, &Twins::key(&instance, &model.id), model.clone());
            }
            Ok::<_, ServiceError>(())
        })
        .await?;
    let entries: Vec<Entry> = models.iter().map(|model| Entry::new(model, false)).collect();
    Ok(Answer::json(201, &entries))
}

fn read(service: &Twins, request: &Request) -> Result<Vec<Model>, ServiceError> {
    let elements = payload::array_elements(request)?;
    if elements.is_empty() {
        return Err(payload::models_empty_or_unsupported());
    }
    if elements.len() > MOST_AT_ONCE {
        let text = format!("The upload holds {} models: the most is {MOST_AT_ONCE}.", elements.len());
        return Err(ServiceError::new(&errors::LIMIT_EXCEEDED, text));
    }
    let now = service.ground.now();
    let models: Vec<Model> =
        elements.into_iter().map(|text| definition::read(text, now)).collect::<Result<_, ServiceError>>()?;
    let mut seen = std::collections::BTreeSet::new();
    match models.iter().find(|model| !seen.insert(model.id.as_str())) {
        Some(twice) => Err(definition::parser_error(&format!("{} is defined more than once", twice.id))),
        None => Ok(models),
    }
}

/// Refuses models that extend, or have a component of, a model that is neither among them nor here already.
fn check_references(
    service: &Twins,
    transaction: &Transaction<'_>,
    instance: &str,
    models: &[Model],
) -> Result<(), ServiceError> {
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for needed in models.iter().flat_map(|model| model.interface.needs()) {
        let is_known = models.iter().any(|model| model.id == needed)
            || transaction.get(&service.models, &Twins::key(instance, needed)).is_some();
        if !is_known {
            *missing.entry(needed).or_default() += 1;
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing
        .iter()
        .map(|(id, count)| format!("{id} (referenced in {count} {})", if *count == 1 { "place" } else { "places" }))
        .collect();
    Err(definition::parser_error(&format!("failed to resolve requisite references to element(s): {}", list.join(", "))))
}

fn check_new(
    service: &Twins,
    transaction: &Transaction<'_>,
    instance: &str,
    models: &[Model],
) -> Result<(), ServiceError> {
    let present: Vec<&str> = models
        .iter()
        .map(|model| model.id.as_str())
        .filter(|id| transaction.get(&service.models, &Twins::key(instance, id)).is_some())
        .collect();
    if !present.is_empty() {
        let text = format!("Some of the model ids already exist: {}. No model was added.", present.join(", "));
        return Err(ServiceError::new(&errors::MODEL_ID_ALREADY_EXISTS, text));
    }
    if transaction.count(&service.models, &Twins::key(instance, "")) + models.len() > MOST_MODELS {
        let text = format!("The instance would hold more than {MOST_MODELS} models.");
        return Err(ServiceError::new(&errors::LIMIT_EXCEEDED, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface};

    async fn post(world: &World, body: &serde_json::Value) -> Result<serde_json::Value, ServiceError> {
        world.call(&OPERATION, &[], &body.to_string()).await
    }

    #[tokio::test]
    async fn models_are_answered_bare_and_without_definitions() {
        let world = World::new();
        let answer = post(
            &world,
            &json!([
                {"@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Room;1", "@type": "Interface",
                 "displayName": "Room", "description": {"fr": "Une salle"}},
            ]),
        )
        .await
        .unwrap();
        assert_eq!(
            answer,
            json!([{"id": "dtmi:example:Room;1", "description": {"fr": "Une salle"}, "displayName": {"en": "Room"},
                "decommissioned": false, "uploadTime": "2026-11-22T01:12:48.12+00:00"}])
        );
    }

    #[tokio::test]
    async fn an_upload_without_a_model_is_refused() {
        let world = World::new();
        assert_eq!(post(&world, &json!([])).await.unwrap_err().code.name, "InvalidArgument");
        assert_eq!(post(&world, &json!({})).await.unwrap_err().code.name, "InvalidArgument");
        assert_eq!(world.call(&OPERATION, &[], "").await.unwrap_err().code.name, "BadRequest");
    }

    #[tokio::test]
    async fn a_model_that_is_there_keeps_the_others_out() {
        let world = World::new();
        post(&world, &json!([interface("dtmi:example:A;1", &json!([]))])).await.unwrap();
        let both = json!([interface("dtmi:example:B;1", &json!([])), interface("dtmi:example:A;1", &json!([]))]);
        let error = post(&world, &both).await.unwrap_err();
        assert_eq!((error.code.name, error.code.status), ("ModelIdAlreadyExists", 409));
        assert!(error.message.contains("dtmi:example:A;1") && !error.message.contains("dtmi:example:B;1"));
        assert!(world.model("dtmi:example:B;1").is_none());
    }

    #[tokio::test]
    async fn what_a_model_needs_must_come_with_it_or_be_there() {
        let world = World::new();
        let component = json!([{"@type": "Component", "name": "inner", "schema": "dtmi:example:Inner;1"}]);
        let outer = interface("dtmi:example:Outer;1", &component);
        let error = post(&world, &json!([outer])).await.unwrap_err();
        assert_eq!(error.code.name, "DTDLParserError");
        assert!(error.message.contains("dtmi:example:Inner;1 (referenced in 1 place)"), "{}", error.message);
        post(&world, &json!([outer, interface("dtmi:example:Inner;1", &json!([]))])).await.unwrap();
        let mut child = interface("dtmi:example:Child;1", &json!([]));
        child["extends"] = json!("dtmi:example:Outer;1");
        post(&world, &json!([child])).await.unwrap();
    }

    #[tokio::test]
    async fn a_relationship_may_name_a_model_that_is_not_there() {
        let world = World::new();
        let contents = json!([{"@type": "Relationship", "name": "contains", "target": "dtmi:example:Later;1"}]);
        assert!(post(&world, &json!([interface("dtmi:example:Floor;1", &contents)])).await.is_ok());
    }

    #[tokio::test]
    async fn a_model_twice_in_one_upload_is_refused() {
        let world = World::new();
        let twice = interface("dtmi:example:A;1", &json!([]));
        assert_eq!(post(&world, &json!([twice, twice])).await.unwrap_err().code.name, "DTDLParserError");
        assert!(world.model("dtmi:example:A;1").is_none());
    }

    #[tokio::test]
    async fn two_hundred_and_fifty_models_are_the_most() {
        let world = World::new();
        let mut models: Vec<_> = (1..=251).map(|n| interface(&format!("dtmi:example:M{n};1"), &json!([]))).collect();
        assert_eq!(post(&world, &json!(models)).await.unwrap_err().code.name, "LimitExceeded");
        models.pop();
        assert_eq!(post(&world, &json!(models)).await.unwrap().as_array().unwrap().len(), 250);
    }
}
