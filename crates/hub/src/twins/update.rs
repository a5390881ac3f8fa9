//! `Devices_UpdateTwin`: merges into the tags and desired properties of a device twin.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: `null` removes; `If-Match` is honoured where it is given.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::twins::change_body::{self, Manner};
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Devices_UpdateTwin",
    method: Method::Patch,
    path: "/twins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/twins/write"], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Merges into a device twin's tags and desired properties.",
};

/// Changes the twin: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    change_body::of_device(hub, &permit.resource_key(), &request, Manner::Merge).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::errors;
    use crate::fixture::{self, World, named};

    async fn patch(world: &World, if_match: &str, body: Value) -> Result<Value, ServiceError> {
        let headers = [("if-match", if_match)];
        world.call(OPERATION.name, &[("id", "dev1")], &headers, body).await.map(|answer| fixture::json(&answer))
    }

    async fn world() -> World {
        let world = World::new();
        world.put_device("dev1", named("dev1")).await;
        world
    }

    #[tokio::test]
    async fn a_whole_twin_sent_back_changes_only_what_is_a_client_s_to_write() {
        let world = world().await;
        let mut sent = world.twin("dev1").await;
        sent["properties"]["desired"]["username"] = json!("userA");
        sent["properties"]["reported"]["forged"] = json!(true);
        sent["version"] = json!(99);
        sent["status"] = json!("disabled");
        let twin = patch(&world, "*", sent).await.unwrap();
        assert_eq!((&twin["etag"], &twin["version"]), (&json!("AAAAAAAAAAI="), &json!(3)));
        let desired = &twin["properties"]["desired"];
        assert_eq!((&desired["username"], &desired["$version"]), (&json!("userA"), &json!(2)));
        assert_eq!(desired["$metadata"]["username"]["$lastUpdatedVersion"], 2);
        assert!(twin["properties"]["reported"].get("forged").is_none());
        assert_eq!(twin["status"], "enabled");
        assert_eq!(twin, world.twin("dev1").await);
    }

    #[tokio::test]
    async fn a_stale_etag_is_refused_in_the_recorded_words() {
        let world = world().await;
        patch(&world, "\"AAAAAAAAAAE=\"", json!({"tags": {"a": 1}})).await.unwrap();
        let error = patch(&world, "\"AAAAAAAAAAE=\"", json!({"tags": {"a": 2}})).await.unwrap_err();
        assert_eq!(error.code, &errors::PRECONDITION_FAILED);
        assert_eq!(error.message, "ETag mismatch for device ID 'dev1'");
        assert_eq!(world.twin("dev1").await["tags"]["a"], 1);
    }

    #[tokio::test]
    async fn null_removes_and_what_is_left_out_stays() {
        let world = world().await;
        patch(&world, "", json!({"tags": {"a": 1, "b": {"c": 2, "d": 3}}})).await.unwrap();
        let twin = patch(&world, "", json!({"tags": {"a": null, "b": {"c": null}}})).await.unwrap();
        assert_eq!(twin["tags"], json!({"b": {"d": 3}}));
        let twin = patch(&world, "", json!({"properties": {"desired": {"x": 1}}})).await.unwrap();
        assert_eq!(twin["tags"], json!({"b": {"d": 3}}));
        assert!(patch(&world, "", json!({"tags": null})).await.unwrap().get("tags").is_none());
    }

    #[tokio::test]
    async fn what_breaks_a_limit_is_refused_and_changes_nothing() {
        let world = world().await;
        let before = world.twin("dev1").await;
        for body in [
            json!({"tags": {"a b": 1}}),
            json!({"tags": {"$metadata": {}}}),
            json!({"tags": {"a": "x".repeat(4097)}}),
            json!({"tags": {"a": ["x".repeat(4000), "x".repeat(4000), "x".repeat(300)]}}),
            json!({"tags": []}),
            json!({"tags": "text"}),
            json!({"properties": 1}),
            json!({"properties": {"desired": [1]}}),
            json!({"properties": {"desired": {"n": 9_007_199_254_740_993_u64}}}),
            json!({"tags": {"ok": 1}, "properties": {"desired": {"a": {"$version": 3}}}}),
        ] {
            let error = patch(&world, "*", body.clone()).await.unwrap_err();
            assert_eq!(error.code, &errors::ARGUMENT_INVALID, "{body}");
        }
        assert_eq!(world.twin("dev1").await, before);
    }

    #[tokio::test]
    async fn an_unknown_device_cannot_be_changed() {
        let error = World::new().call(OPERATION.name, &[("id", "dev1")], &[], json!({})).await.unwrap_err();
        assert_eq!(error.code, &errors::DEVICE_NOT_FOUND);
    }
}
