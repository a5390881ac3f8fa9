//! `DigitalTwinModels_Update`: decommissions a model, or takes that back.
//!
//! Source: the data-plane specification 2023-10-31, which lets `/decommissioned` be replaced and nothing else; recorded:
//! 204, also for a model that is decommissioned already.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::Value;

use super::{Model, id_in_path};
use crate::json_patch::{Action, PatchBody, Step};
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwinModels_Update",
    method: Method::Patch,
    path: "/models/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/models/write"], rights: &[] },
    support: Support::Served,
    summary: "Decommissions a model, or takes that back.",
};

/// Runs it: 204.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let patch = PatchBody::read(&request)?;
    let key = Twins::key(&permit.resource_key(), id);
    service
        .store
        .transact(|transaction| {
            let model = transaction.get(&service.models, &key).ok_or_else(|| errors::model_not_found(&[id]))?;
            let steps = patch.steps()?;
            let decommissioned = steps.iter().try_fold(model.decommissioned, |_, step| wanted(step))?;
            if decommissioned != model.decommissioned {
                transaction.put(&service.models, &key, Model { decommissioned, ..Model::clone(&model) });
            }
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(Answer::no_content())
}

/// What a step wants `decommissioned` to be.
fn wanted(step: &Step) -> Result<bool, ServiceError> {
    match (&step.action, step.segments.as_slice()) {
        (Action::Replace(Value::Bool(decommissioned)), [name]) if name == "decommissioned" => Ok(*decommissioned),
        _ => Err(errors::json_patch_invalid(&format!(
            "Only replacing /decommissioned by true or false is supported, and {} was to be changed",
            step.path
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface};

    const ID: &str = "dtmi:example:Room;1";

    async fn patch(world: &World, id: &str, body: &str) -> Result<Value, ServiceError> {
        world.call(&OPERATION, &[("id", id)], body).await
    }

    async fn world() -> World {
        let world = World::new();
        world.upload(&json!([interface(ID, &json!([]))])).await;
        world
    }

    #[tokio::test]
    async fn a_model_is_decommissioned_and_taken_back() {
        let world = world().await;
        for wanted in [true, true, false] {
            let body = json!([{"op": "replace", "path": "/decommissioned", "value": wanted}]);
            assert_eq!(patch(&world, ID, &body.to_string()).await.unwrap(), Value::Null);
            assert_eq!(world.model(ID).unwrap().decommissioned, wanted);
        }
    }

    #[tokio::test]
    async fn nothing_else_can_be_changed() {
        let world = world().await;
        for operation in [
            json!({"op": "replace", "path": "/displayName", "value": "x"}),
            json!({"op": "replace", "path": "/decommissioned", "value": "true"}),
            json!({"op": "replace", "path": "/decommissioned/x", "value": true}),
            json!({"op": "add", "path": "/decommissioned", "value": true}),
            json!({"op": "remove", "path": "/decommissioned"}),
            json!({"op": "move", "path": "/decommissioned", "from": "/x"}),
        ] {
            let good = json!({"op": "replace", "path": "/decommissioned", "value": true});
            let error = patch(&world, ID, &json!([good, operation]).to_string()).await.unwrap_err();
            assert_eq!(error.code.name, "JsonPatchInvalid", "{operation}");
            assert!(!world.model(ID).unwrap().decommissioned);
        }
    }

    #[tokio::test]
    async fn a_model_that_is_not_there_cannot_be_changed() {
        let body = r#"[{"op":"replace","path":"/decommissioned","value":true}]"#;
        assert_eq!(patch(&World::new(), ID, body).await.unwrap_err().code.name, "ModelNotFound");
        assert_eq!(patch(&World::new(), "Room", body).await.unwrap_err().code.name, "InvalidArgument");
    }
}
