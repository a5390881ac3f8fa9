//! Uploads begin, and are refused.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::blobs::BlobError;
use crate::blobs::memory::MemoryBlobs;
use crate::fixture::{World, json as body_of};

async fn standing() -> (World, Arc<MemoryBlobs>) {
    let blobs = Arc::new(MemoryBlobs::default());
    let world = World::with_blobs(blobs.clone());
    world
        .put_hub_properties(json!({"storageEndpoints": {"$default": {
            "connectionString": "UseDevelopmentStorage=true;BlobEndpoint=https://localhost:10443/devstoreaccount1",
            "containerName": "uploads", "sasTtlAsIso8601": "PT1H",
        }}}))
        .await;
    (world, blobs)
}

async fn begin(world: &World, device: &str, body: Value) -> Result<Value, ServiceError> {
    world.call(OPERATION.name, &[("id", device)], &[], body).await.map(|answer| body_of(&answer))
}

#[tokio::test]
async fn a_device_is_told_where_to_put_its_file() {
    let (world, blobs) = standing().await;
    let answer = begin(&world, "dev1", json!({"blobName": "logs/a b.txt"})).await.unwrap();
    assert_eq!(answer["hostName"], "localhost:10443/devstoreaccount1");
    assert_eq!(answer["containerName"], "uploads");
    assert_eq!(answer["blobName"], "dev1/logs/a b.txt");
    let token = answer["sasToken"].as_str().unwrap();
    assert!(token.starts_with("?sv=2018-03-28&sr=b&sig="), "{token}");
    assert!(token.ends_with("&se=2026-01-02T04%3A04%3A05Z&sp=rw"), "{token}");
    let correlation = STANDARD.decode(answer["correlationId"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(correlation).unwrap().starts_with("202601020304_"));
    begin(&world, "dev1", json!({"blobName": "b"})).await.unwrap();
    assert_eq!(*blobs.made.lock(), ["https://localhost:10443/devstoreaccount1/uploads"], "asked for once");
}

#[tokio::test]
async fn a_blob_service_that_is_away_keeps_no_answer_back_and_is_asked_again() {
    let (world, blobs) = standing().await;
    *blobs.fault.lock() = Some(BlobError::Unreachable("refused".to_owned()));
    begin(&world, "dev1", json!({"blobName": "a"})).await.unwrap();
    *blobs.fault.lock() = None;
    begin(&world, "dev1", json!({"blobName": "b"})).await.unwrap();
    assert_eq!(blobs.made.lock().len(), 2);
}

#[tokio::test]
async fn the_eleventh_open_upload_of_a_device_is_refused_until_one_runs_out() {
    let (world, _) = standing().await;
    for number in 0..10 {
        begin(&world, "dev1", json!({"blobName": number.to_string()})).await.unwrap();
    }
    let refused = begin(&world, "dev1", json!({"blobName": "x"})).await.unwrap_err();
    assert_eq!(refused.code, &errors::DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED);
    assert_eq!(refused.code.number, 403_006);
    begin(&world, "dev10", json!({"blobName": "x"})).await.unwrap();
    world.advance(3600);
    begin(&world, "dev1", json!({"blobName": "x"})).await.unwrap();
    world.advance(3601);
    begin(&world, "dev1", json!({"blobName": "y"})).await.unwrap();
    assert_eq!(world.hub.uploads.count("contoso-hub/dev1/"), 2, "what ran out is forgotten an hour later");
}

#[tokio::test]
async fn what_names_no_blob_is_refused_and_opens_nothing() {
    let (world, _) = standing().await;
    for (body, code) in [
        (json!({}), &errors::ARGUMENT_NULL),
        (json!({"blobName": null}), &errors::ARGUMENT_NULL),
        (json!({"blobName": ""}), &errors::ARGUMENT_INVALID),
        (json!({"blobName": "../dev2/a"}), &errors::ARGUMENT_INVALID),
        (json!({"blobName": 7}), &errors::ARGUMENT_INVALID),
        (json!(["a"]), &errors::ARGUMENT_INVALID),
    ] {
        assert_eq!(begin(&world, "dev1", body.clone()).await.unwrap_err().code, code, "{body}");
    }
    assert_eq!(world.hub.uploads.count(""), 0);
}

#[tokio::test]
async fn a_hub_without_storage_refuses_by_number() {
    let world = World::new();
    let refused = begin(&world, "dev1", json!({"blobName": "a"})).await.unwrap_err();
    assert_eq!((refused.code.status, refused.code.number), (400, 400_014));
}

/// The token of the hub that it is asked for.
struct Tokens;

impl crate::blobs::StorageTokens for Tokens {
    fn token<'a>(
        &'a self,
        hub: &'a str,
        user_assigned: Option<&'a str>,
    ) -> futures_util::future::BoxFuture<'a, Result<iolite_kernel::Secret, String>> {
        let token = user_assigned.map_or_else(|| Ok(iolite_kernel::Secret::new(hub)), |id| Err(format!("no {id}")));
        Box::pin(std::future::ready(token))
    }
}

#[tokio::test]
async fn an_identity_based_hub_signs_with_a_key_that_its_identity_asked_for() {
    let blobs = Arc::new(MemoryBlobs::default());
    let world = World::with_blobs(blobs.clone()).changed(|hub| hub.with_storage_tokens(Arc::new(Tokens)));
    let storage = |identity: Value| {
        json!({"storageEndpoints": {"$default": {
            "authenticationType": "identityBased", "identity": identity, "containerName": "uploads",
            "connectionString": "AccountName=devstoreaccount1;BlobEndpoint=https://localhost:10443/devstoreaccount1",
        }}})
    };
    world.put_hub_properties(storage(Value::Null)).await;
    let answer = begin(&world, "dev1", json!({"blobName": "a.txt"})).await.unwrap();
    let token = answer["sasToken"].as_str().unwrap();
    assert!(token.starts_with("?sv=2018-11-09&sr=b&se=2026-01-02T04%3A04%3A05Z&sp=rw&skoid=contoso-hub&"), "{token}");
    assert_eq!(*blobs.made.lock(), ["https://localhost:10443/devstoreaccount1/uploads"]);
    world.put_hub_properties(storage(json!({"userAssignedIdentity": "/ids/1"}))).await;
    let refused = begin(&world, "dev1", json!({"blobName": "a.txt"})).await.unwrap_err();
    assert_eq!(refused.code, &errors::INVALID_ENDPOINT_AUTHENTICATION_TYPE);
}
