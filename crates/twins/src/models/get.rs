//! `DigitalTwinModels_GetById`: one model, its definition too if asked for.
//!
//! Source: the data-plane specification 2023-10-31; answers as recorded.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{entry::Entry, id_in_path, includes_definition};
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwinModels_GetById",
    method: Method::Get,
    path: "/models/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/models/read"], rights: &[] },
    support: Support::Served,
    summary: "Gets a model, its definition too if asked for.",
};

/// Runs it: 200 with the model.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let with_definition = includes_definition(&request)?;
    let key = Twins::key(&permit.resource_key(), id);
    let model = service.models.get(&key).ok_or_else(|| errors::model_not_found(&[id]))?;
    Ok(Answer::ok(&Entry::new(&model, with_definition)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface, request_for};

    #[tokio::test]
    async fn the_definition_comes_only_if_asked_for() {
        let world = World::new();
        let definition = interface("dtmi:example:Room;1", &json!([]));
        world.upload(&json!([definition])).await;
        let mut request = request_for(&[("id", "dtmi:example:Room;1")], "");
        let bare = world.send(&OPERATION, request.clone()).await.unwrap();
        assert_eq!(bare["id"], "dtmi:example:Room;1");
        assert!(bare.get("model").is_none());
        request.query.push(("includeModelDefinition".into(), "true".into()));
        assert_eq!(world.send(&OPERATION, request).await.unwrap()["model"], definition);
    }

    #[tokio::test]
    async fn an_id_is_looked_up_with_its_case() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:Room;1", &json!([]))])).await;
        for (id, code) in
            [("dtmi:example:room;1", "ModelNotFound"), ("Room", "InvalidArgument"), ("", "InvalidArgument")]
        {
            assert_eq!(world.call(&OPERATION, &[("id", id)], "").await.unwrap_err().code.name, code, "{id}");
        }
    }

    #[tokio::test]
    async fn a_model_of_another_instance_is_not_seen() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:Room;1", &json!([]))])).await;
        let request = request_for(&[("id", "dtmi:example:Room;1")], "");
        let error = world.send_to("other-twins", &OPERATION, request).await.unwrap_err();
        assert_eq!(error.code.name, "ModelNotFound");
    }
}
