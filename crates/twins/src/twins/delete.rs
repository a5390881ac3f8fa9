//! `DigitalTwins_Delete`: deletes a twin.
//!
//! Source: the data-plane specification 2023-10-31; recorded: 204, 404, and 412 where the tag is another. That a twin with
//! relationships stays is part of relationships, which are not built yet.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::id_in_path;
use crate::precondition::IfMatch;
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_Delete",
    method: Method::Delete,
    path: "/digitaltwins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/delete"], rights: &[] },
    support: Support::Served,
    summary: "Deletes a twin.",
};

/// Runs it: 204.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let if_match = IfMatch::read(&request)?;
    let key = Twins::key(&permit.resource_key(), id);
    service
        .store
        .transact(|transaction| {
            let twin = transaction.get(&service.twins, &key).ok_or_else(|| errors::twin_not_found(id))?;
            if_match.check(twin.etag)?;
            transaction.delete(&service.twins, &key);
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{World, interface, request_for};

    #[tokio::test]
    async fn only_the_current_tag_deletes_a_twin() {
        let world = World::new();
        world.upload(&json!([interface("dtmi:example:Room;1", &json!([]))])).await;
        let twin = json!({"$metadata": {"$model": "dtmi:example:Room;1"}});
        let old = world.put("room1", &twin).await.unwrap()["$etag"].as_str().unwrap().to_owned();
        let new = world.put("room1", &twin).await.unwrap()["$etag"].as_str().unwrap().to_owned();
        let delete = |tag: &str| {
            let mut request = request_for(&[("id", "room1")], "");
            request.headers.insert("if-match", tag.parse().unwrap());
            world.send(&OPERATION, request)
        };
        assert_eq!(delete(&old).await.unwrap_err().code.name, "PreconditionFailed");
        assert_eq!(delete("etag-value").await.unwrap_err().code.name, "InvalidArgument");
        assert!(world.twin("room1").is_some());
        assert!(delete(&new).await.unwrap().is_null());
        assert!(world.twin("room1").is_none());
        assert_eq!(delete(&new).await.unwrap_err().code.name, "DigitalTwinNotFound");
    }
}
