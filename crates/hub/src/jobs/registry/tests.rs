//! Imports and exports through a blob service in memory, from their making to their being forgotten.

use std::sync::Arc;
use std::time::Duration;

use iolite_kernel::{Answer, ServiceError};
use serde_json::{Value, json};

use crate::blobs::BlobError;
use crate::blobs::memory::MemoryBlobs;
use crate::errors;
use crate::fixture::{self, World, named};
use crate::jobs::registry::runner;

const CONTAINER: &str = "http://127.0.0.1:10000/account/exports";
const SIGNED: &str = "http://127.0.0.1:10000/account/exports?sv=1&sig=secret";

fn world() -> (World, Arc<MemoryBlobs>) {
    let blobs = Arc::new(MemoryBlobs::default());
    (World::with_blobs(blobs.clone()), blobs)
}

fn put_blob(blobs: &MemoryBlobs, name: &str, lines: &[Value]) {
    let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let text = text.join("\r\n");
    blobs.blobs.lock().insert(format!("{CONTAINER}/{name}"), text.into());
}

fn blob(blobs: &MemoryBlobs, name: &str) -> Option<Vec<Value>> {
    let content = blobs.blobs.lock().get(&format!("{CONTAINER}/{name}"))?.clone();
    let text = String::from_utf8(content.to_vec()).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn export() -> Value {
    json!({"type": "export", "outputBlobContainerUri": SIGNED, "excludeKeysInExport": false})
}

fn import() -> Value {
    json!({"type": "import", "inputBlobContainerUri": SIGNED, "outputBlobContainerUri": SIGNED})
}

async fn make(world: &World, body: Value) -> Result<Value, ServiceError> {
    let answer: Answer = world.call("Jobs_CreateImportExportJob", &[], &[], body).await?;
    Ok(fixture::json(&answer))
}

async fn job(world: &World, id: &str) -> Result<Value, ServiceError> {
    world.call("Jobs_GetImportExportJob", &[("id", id)], &[], None).await.map(|answer| fixture::json(&answer))
}

/// Makes a job and does it.
async fn done(world: &World, body: Value) -> Value {
    let made = make(world, body).await.unwrap();
    let id = made["jobId"].as_str().unwrap();
    runner::run(&world.hub, &format!("{}/{id}", World::KEY)).await.unwrap();
    job(world, id).await.unwrap()
}

#[tokio::test]
async fn an_export_holds_every_device_and_module_with_its_twin_and_keys() {
    let (world, blobs) = world();
    let device = world.put_device("dev1", named("dev1")).await;
    world.put_module("dev1", "mod1", json!({"deviceId": "dev1", "moduleId": "mod1"})).await;
    let patch = json!({"tags": {"floor": 1}, "properties": {"desired": {"speed": 5}}});
    world.call("Devices_UpdateTwin", &[("id", "dev1")], &[], patch).await.unwrap();
    let made = make(&world, export()).await.unwrap();
    assert_eq!((&made["status"], &made["progress"], &made["type"]), (&json!("enqueued"), &json!(0), &json!("export")));
    assert_eq!((&made["outputBlobContainerUri"], &made["outputBlobName"]), (&json!(CONTAINER), &json!("devices.txt")));
    let id = made["jobId"].as_str().unwrap();
    runner::run(&world.hub, &format!("{}/{id}", World::KEY)).await.unwrap();
    let job = job(&world, id).await.unwrap();
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(100)));
    let lines = blob(&blobs, "devices.txt").unwrap();
    let expected = json!({
        "id": "dev1", "eTag": device["etag"], "status": "enabled", "statusReason": "",
        "authentication": device["authentication"], "twinETag": "AAAAAAAAAAI=", "tags": {"floor": 1},
        "properties": {"desired": {"speed": 5}, "reported": {}}, "capabilities": {"iotEdge": false},
    });
    assert_eq!(lines[0], expected);
    assert_eq!((&lines[1]["id"], &lines[1]["moduleId"], lines.len()), (&json!("dev1"), &json!("mod1"), 2));
}

#[tokio::test]
async fn keys_are_left_out_where_they_are_not_wanted() {
    let (world, blobs) = world();
    world.put_device("dev1", named("dev1")).await;
    let mut body = export();
    body["excludeKeysInExport"] = json!(true);
    body["outputBlobName"] = json!("some/other.txt");
    assert_eq!(done(&world, body).await["status"], "completed");
    assert_eq!(blob(&blobs, "some/other.txt").unwrap()[0]["authentication"], Value::Null);
}

#[tokio::test]
async fn a_hub_is_moved_by_its_export() {
    let (source, blobs) = world();
    source.put_device("edge", json!({"deviceId": "edge", "capabilities": {"iotEdge": true}})).await;
    for number in 0..250 {
        let id = format!("d{number:03}");
        source.put_device(&id, json!({"deviceId": id, "status": "disabled", "statusReason": "new"})).await;
    }
    let patch = json!({"tags": {"floor": 1}, "properties": {"desired": {"speed": 5}}});
    source.call("Devices_UpdateTwin", &[("id", "d007")], &[], patch).await.unwrap();
    let configuration = json!({"id": "c1", "targetCondition": "*", "priority": 3,
        "content": {"deviceContent": {"properties.desired.a": 1}}});
    source.call("Configuration_CreateOrUpdate", &[("id", "c1")], &[], configuration).await.unwrap();
    let mut body = export();
    body["includeConfigurations"] = json!(true);
    assert_eq!(done(&source, body).await["status"], "completed");

    let target = World::with_blobs(blobs.clone());
    let mut body = import();
    body["includeConfigurations"] = json!(true);
    let job = done(&target, body.clone()).await;
    assert_eq!((&job["status"], &job["inputBlobName"]), (&json!("completed"), &json!("devices.txt")));
    assert_eq!(blob(&blobs, "importErrors.log"), None);
    assert_eq!((target.hub.devices.count(""), target.hub.modules.count("")), (251, 2));
    let (old, new) = (source.twin("d007").await, target.twin("d007").await);
    assert_eq!(
        (&old["tags"], &old["properties"]["desired"]["speed"]),
        (&new["tags"], &new["properties"]["desired"]["speed"])
    );
    let identity = |world: World| async move {
        fixture::json(&world.call("Devices_GetIdentity", &[("id", "d007")], &[], None).await.unwrap())
    };
    assert_eq!(target.hub.configurations.count(""), 1);
    // Once more over itself: what is there is changed, and nothing is refused.
    assert_eq!(done(&target, body).await["status"], "completed");
    assert_eq!(blob(&blobs, "importErrors.log"), None);
    let (old, new) = (identity(source).await, identity(target).await);
    assert_eq!((&old["authentication"], &old["statusReason"]), (&new["authentication"], &new["statusReason"]));
}

#[tokio::test]
async fn what_cannot_be_imported_is_written_down_and_the_rest_is_done() {
    let (world, blobs) = world();
    world.put_device("there", named("there")).await;
    blobs.blobs.lock().insert(format!("{CONTAINER}/importErrors.log"), "{\"old\":1}".into());
    put_blob(
        &blobs,
        "devices.txt",
        &[
            json!({"id": "new", "importMode": "create", "tags": {"a": 1}}),
            json!({"id": "there", "importMode": "create"}),
            json!({"id": "there", "importMode": "delete"}),
            json!({"id": "gone", "importMode": "update"}),
            json!({"id": "there", "moduleId": "m"}),
            json!({"id": "a b"}),
            json!(["no device"]),
        ],
    );
    let job = done(&world, import()).await;
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(100)));
    let log = blob(&blobs, "importErrors.log").unwrap();
    let codes: Vec<_> = log.iter().map(|line| (line["deviceId"].clone(), line["errorCode"].clone())).collect();
    let expected = [
        (json!("there"), json!(409_001)),
        (json!("gone"), json!(404_001)),
        (json!("there"), json!(404_001)),
        (json!("a b"), json!(400_006)),
        (Value::Null, json!(400_004)),
    ];
    assert_eq!(codes, expected);
    assert_eq!(log[2]["moduleId"], "m");
    assert_eq!(world.twin("new").await["tags"], json!({"a": 1}));
    assert_eq!(world.hub.devices.count(""), 1);
}

#[tokio::test]
async fn an_import_goes_on_after_the_lines_that_were_done() {
    let (world, blobs) = world();
    put_blob(
        &blobs,
        "devices.txt",
        &(0..3).map(|n| json!({"id": format!("d{n}"), "importMode": "create"})).collect::<Vec<_>>(),
    );
    let made = make(&world, import()).await.unwrap();
    let at = format!("{}/{}", World::KEY, made["jobId"].as_str().unwrap());
    world.put_device("d0", named("d0")).await;
    world.put_device("d1", named("d1")).await;
    let left = world.hub.store.transact(|transaction| {
        let job = transaction.get(&world.hub.registry_jobs, &at).unwrap();
        let mut job = super::RegistryJob::clone(&job);
        job.lines_done = 2;
        transaction.put(&world.hub.registry_jobs, &at, job);
        Ok::<_, ServiceError>(())
    });
    left.await.unwrap();
    runner::run(&world.hub, &at).await.unwrap();
    assert_eq!((world.hub.devices.count(""), blob(&blobs, "importErrors.log")), (3, None));
}

#[tokio::test]
async fn a_container_that_cannot_be_used_is_refused_at_once() {
    let (world, blobs) = world();
    let with = |field: &str, value: Value| {
        let mut body = import();
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("type", json!("backup")), &errors::ARGUMENT_INVALID),
        (with("type", json!(null)), &errors::ARGUMENT_INVALID),
        (with("inputBlobContainerUri", json!(null)), &errors::ARGUMENT_NULL),
        (with("outputBlobContainerUri", json!("")), &errors::ARGUMENT_NULL),
        (with("inputBlobContainerUri", json!("file:///etc/passwd")), &errors::BLOB_CONTAINER_VALIDATION_ERROR),
        (with("inputBlobName", json!("../secret")), &errors::BLOB_CONTAINER_VALIDATION_ERROR),
        (with("storageAuthenticationType", json!("identityBased")), &errors::BLOB_CONTAINER_VALIDATION_ERROR),
        (import(), &errors::BLOB_CONTAINER_VALIDATION_ERROR),
    ] {
        let error = make(&world, body.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{body}");
        assert!(!error.message.contains("secret?") && !error.message.contains("sig="), "{}", error.message);
    }
    *blobs.fault.lock() = Some(BlobError::Denied("AuthenticationFailed".to_owned()));
    assert_eq!(make(&world, export()).await.unwrap_err().code, &errors::BLOB_CONTAINER_VALIDATION_ERROR);
    assert_eq!(world.hub.registry_jobs.count(""), 0);
}

#[tokio::test]
async fn a_hub_does_one_job_at_a_time_and_a_failed_one_says_why() {
    let (world, blobs) = world();
    let made = make(&world, export()).await.unwrap();
    assert_eq!(make(&world, export()).await.unwrap_err().code, &errors::JOB_QUOTA_EXCEEDED);
    *blobs.fault.lock() = Some(BlobError::Unexpected(503, "ServerBusy".to_owned()));
    let id = made["jobId"].as_str().unwrap();
    let at = format!("{}/{id}", World::KEY);
    runner::run(&world.hub, &at).await.unwrap();
    let failed = job(&world, id).await.unwrap();
    assert_eq!(failed["status"], "failed");
    assert!(failed["failureReason"].as_str().unwrap().contains("503"), "{failed}");
    assert!(!world.hub.registry_jobs.get(&at).unwrap().output.container.reveal().contains("sig="));
    *blobs.fault.lock() = None;
    make(&world, export()).await.unwrap();
    let listed = fixture::json(&world.call("Jobs_GetImportExportJobs", &[], &[], None).await.unwrap());
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_is_not_done() {
    let (world, blobs) = world();
    world.put_device("dev1", named("dev1")).await;
    let made = make(&world, export()).await.unwrap();
    let id = made["jobId"].as_str().unwrap();
    let params = [("id", id)];
    let cancel = || world.call("Jobs_CancelImportExportJob", &params, &[], None);
    assert_eq!(cancel().await.unwrap(), Answer::no_content());
    runner::run(&world.hub, &format!("{}/{id}", World::KEY)).await.unwrap();
    assert_eq!(
        (job(&world, id).await.unwrap()["status"].clone(), blob(&blobs, "devices.txt").unwrap().len()),
        (json!("cancelled"), 0)
    );
    assert_eq!(cancel().await.unwrap_err().code, &errors::OPERATION_NOT_ALLOWED_IN_CURRENT_STATE);
    let unknown = world.call("Jobs_CancelImportExportJob", &[("id", "x")], &[], None).await.unwrap_err();
    assert_eq!((unknown.code, unknown.message.as_str()), (&errors::JOB_NOT_FOUND, "NotFound"));
    assert_eq!(job(&world, "x").await.unwrap_err().code, &errors::JOB_NOT_FOUND);
}

#[tokio::test]
async fn jobs_are_done_as_they_come_and_forgotten_after_thirty_days() {
    let (world, _) = world();
    let running = tokio::spawn(world.hub.clone().run_registry_jobs());
    let mut changes = world.hub.store.watch();
    let waiting = async {
        let made = make(&world, export()).await.unwrap();
        let id = made["jobId"].as_str().unwrap();
        while job(&world, id).await.unwrap()["status"] != "completed" {
            changes.recv().await.unwrap();
        }
        // The other face of the jobs knows the id, and that it is none of its own.
        let other = world.call("Jobs_GetScheduledJob", &[("id", id)], &[], None).await.unwrap();
        assert_eq!(fixture::json(&other), json!({"jobId": id, "type": "unknown", "status": "unknown"}));
        world.advance(30 * 86_400);
        while world.hub.registry_jobs.count("") > 0 {
            changes.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    running.abort();
}
