//! Uploads end, in both forms of the report, and the back end is told.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::blobs::memory::MemoryBlobs;
use crate::fixture::{World, json as body_of};
use crate::notifications::NoticeQueue;

const BLOB: &str = "https://contoso.blob.core.windows.net/uploads/dev1/a.txt";

struct Standing {
    world: World,
    blobs: Arc<MemoryBlobs>,
}

impl Standing {
    async fn new(notifies: bool) -> Self {
        let blobs = Arc::new(MemoryBlobs::default());
        let world = World::with_blobs(blobs.clone());
        let properties = json!({
            "enableFileUploadNotifications": notifies,
            "storageEndpoints": {"$default": {
                "connectionString": "AccountName=contoso;AccountKey=a2V5", "containerName": "uploads",
            }},
        });
        world.put_hub_properties(properties).await;
        Self { world, blobs }
    }

    async fn begin(&self) -> String {
        let body = json!({"blobName": "a.txt"});
        let answer = self.world.call("Device_CreateFileUploadSasUri", &[("id", "dev1")], &[], body).await.unwrap();
        body_of(&answer)["correlationId"].as_str().unwrap().to_owned()
    }

    fn upload(&self) {
        self.blobs.blobs.lock().insert(BLOB.to_owned(), Bytes::from_static(b"12345"));
    }

    async fn report(&self, device: &str, body: Value) -> Result<u16, ServiceError> {
        self.world.call(OPERATION.name, &[("id", device)], &[], body).await.map(|answer| answer.status)
    }

    async fn notice(&self) -> Option<Value> {
        let notice = self.world.hub.take_notice(World::KEY, NoticeQueue::FileNotifications).await.unwrap()?;
        Some(serde_json::from_slice(&notice.body).unwrap())
    }
}

#[tokio::test]
async fn a_finished_upload_is_told_with_what_the_blob_service_knows() {
    let standing = Standing::new(true).await;
    let id = standing.begin().await;
    standing.upload();
    standing.world.advance(5);
    let body = json!({"correlationId": id, "isSuccess": true, "statusCode": 200, "statusDescription": "done"});
    assert_eq!(standing.report("dev1", body.clone()).await.unwrap(), 204);
    let expected = json!({
        "deviceId": "dev1", "blobUri": BLOB, "blobName": "dev1/a.txt",
        "lastUpdatedTime": "2026-01-02T03:04:10+00:00", "blobSizeInBytes": 5,
        "enqueuedTimeUtc": "2026-01-02T03:04:10.678Z",
    });
    assert_eq!(standing.notice().await, Some(expected));
    let again = standing.report("dev1", body).await.unwrap_err();
    assert_eq!(again.code, &errors::INVALID_FILE_UPLOAD_CORRELATION_ID, "it is over");
}

#[tokio::test]
async fn a_failed_upload_ends_without_a_notice_and_so_does_one_at_a_silent_hub() {
    for (notifies, is_success) in [(true, false), (false, true)] {
        let standing = Standing::new(notifies).await;
        let body = json!({"correlationId": standing.begin().await, "isSuccess": is_success});
        assert_eq!(standing.report("dev1", body).await.unwrap(), 204);
        assert_eq!(standing.notice().await, None);
        assert_eq!(standing.world.hub.uploads.count(""), 0);
    }
}

#[tokio::test]
async fn a_blob_that_is_not_there_leaves_the_upload_open() {
    let standing = Standing::new(true).await;
    let body = json!({"correlationId": standing.begin().await, "isSuccess": true});
    let refused = standing.report("dev1", body.clone()).await.unwrap_err();
    assert_eq!(refused.code, &errors::INVALID_STORAGE_ENDPOINT_OR_BLOB);
    standing.upload();
    assert_eq!(standing.report("dev1", body).await.unwrap(), 204);
}

#[tokio::test]
async fn an_upload_ends_by_its_own_device_in_its_own_time() {
    let standing = Standing::new(false).await;
    let id = standing.begin().await;
    let body = |id: &str| json!({"correlationId": id, "isSuccess": true});
    let code = |result: Result<u16, ServiceError>| result.unwrap_err().code;
    let unknown = &errors::INVALID_FILE_UPLOAD_CORRELATION_ID;
    assert_eq!(code(standing.report("dev2", body(&id)).await), unknown);
    assert_eq!(code(standing.report("dev", body(&format!("1/{id}"))).await), unknown);
    assert_eq!(code(standing.report("dev1", body("made up")).await), unknown);
    standing.world.advance(3600);
    assert_eq!(code(standing.report("dev1", body(&id)).await), &errors::EXPIRED_FILE_UPLOAD_CORRELATION_ID);
}

#[tokio::test]
async fn a_report_says_which_upload_and_what_came_of_it() {
    let standing = Standing::new(false).await;
    let id = standing.begin().await;
    for (body, code) in [
        (json!({"isSuccess": true}), &errors::ARGUMENT_NULL),
        (json!({"correlationId": "", "isSuccess": true}), &errors::ARGUMENT_NULL),
        (json!({"correlationId": id}), &errors::INVALID_FILE_UPLOAD_COMPLETION_STATUS),
        (json!({"correlationId": id, "isSuccess": "yes"}), &errors::ARGUMENT_INVALID),
    ] {
        assert_eq!(standing.report("dev1", body.clone()).await.unwrap_err().code, code, "{body}");
    }
    assert_eq!(standing.world.hub.uploads.count(""), 1);
}

#[tokio::test]
async fn the_older_form_names_the_upload_in_its_path() {
    let standing = Standing::new(true).await;
    let id = standing.begin().await;
    standing.upload();
    let params = [("id", "dev1"), ("correlationId", id.as_str())];
    let answer = standing.world.call(
        "Device_UpdateFileUploadStatusByCorrelation",
        &params,
        &[],
        json!({"isSuccess": true, "statusCode": 200, "statusDescription": "done"}),
    );
    assert_eq!(answer.await.unwrap().status, 204);
    assert_eq!(standing.notice().await.unwrap()["blobSizeInBytes"], 5);
}
