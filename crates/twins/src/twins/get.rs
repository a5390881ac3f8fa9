//! `DigitalTwins_GetById`: a twin with its properties, components and metadata.
//!
//! Source: the data-plane specification 2023-10-31; answers as recorded.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::{document::Document, id_in_path};
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_GetById",
    method: Method::Get,
    path: "/digitaltwins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/read"], rights: &[] },
    support: Support::Served,
    summary: "Gets a twin.",
};

/// Runs it: 200 with the twin and its `ETag`.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let key = Twins::key(&permit.resource_key(), id);
    let twin = service.twins.get(&key).ok_or_else(|| errors::twin_not_found(id))?;
    Ok(Answer::ok(&Document::new(&twin, &request.api_version)).with_header("etag", twin.entity_tag()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface, json_of, request_for};

    #[tokio::test]
    async fn the_tag_stands_in_header_and_body() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:Room;1", &json!([]))])).await;
        world.put("room1", &json!({"$metadata": {"$model": "dtmi:example:Room;1"}})).await.unwrap();
        let request = request_for(&[("id", "room1")], "");
        let answer = world.answer("contoso-twins", &OPERATION, request).await.unwrap();
        let tag = world.twin("room1").unwrap().entity_tag();
        assert_eq!(answer.header("etag"), Some(&*tag));
        assert_eq!(json_of(&answer)["$etag"], json!(tag));
        assert_eq!(json_of(&answer)["$metadata"]["$lastUpdateTime"], "2026-11-22T01:12:48.1200000Z");
    }

    #[tokio::test]
    async fn a_twin_that_is_not_there_is_not_found() {
        let world = World::new();
        let long = "x".repeat(129);
        for (id, code) in [
            ("room1", "DigitalTwinNotFound"),
            ("", "InvalidArgument"),
            ("a\nb", "InvalidArgument"),
            (&long, "InvalidArgument"),
        ] {
            assert_eq!(world.call(&OPERATION, &[("id", id)], "").await.unwrap_err().code.name, code, "{id}");
        }
    }
}
