//! Scheduled jobs from their making to their being forgotten, over a store in memory and a clock that is moved.

use std::time::Duration;

use iolite_messaging::{Features, HubEvent, ToDevice};
use iolite_store::streams::Position;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{self, World, named};
use crate::jobs::scheduled::{job::JobStatus, run};
use crate::registry::{DeviceSpec, FirstTwin};
use crate::sessions::testing::connect;
use crate::twin::Birth;

async fn world(devices: usize) -> World {
    let world = World::new();
    for number in 0..devices {
        let id = format!("d{number:03}");
        world.put_device(&id, named(&id)).await;
    }
    world
}

async fn make(world: &World, id: &str, body: Value) {
    world.call("Jobs_CreateScheduledJob", &[("id", id)], &[], body).await.unwrap();
}

fn tagging(condition: &str) -> Value {
    json!({"type": "scheduleUpdateTwin", "queryCondition": condition, "maxExecutionTimeInSeconds": 60,
        "updateTwin": {"etag": "*", "tags": {"done": true}, "properties": {"desired": {"speed": 5}}}})
}

fn calling(condition: &str) -> Value {
    json!({"type": "scheduleDeviceMethod", "queryCondition": condition,
        "cloudToDeviceMethod": {"methodName": "reboot", "responseTimeoutInSeconds": 5}})
}

async fn job(world: &World, id: &str) -> Value {
    fixture::json(&world.call("Jobs_GetScheduledJob", &[("id", id)], &[], None).await.unwrap())
}

async fn rows(world: &World, condition: &str) -> Vec<Value> {
    let body = json!({"query": format!("SELECT * FROM devices.jobs WHERE {condition}")});
    let answer = world.call("Query_GetTwins", &[], &[], body).await.unwrap();
    assert_eq!(fixture::header(&answer, "x-ms-item-type"), Some("DeviceJob"));
    fixture::json(&answer).as_array().unwrap().clone()
}

async fn done(world: &World, id: &str) -> Value {
    run::run(&world.hub, &format!("{}/{id}", World::KEY)).await.unwrap();
    job(world, id).await
}

/// Runs the runner beside the test.
fn runner(world: &World) -> JoinHandle<()> {
    tokio::spawn(world.hub.clone().run_jobs())
}

/// Waits until the job is as far; a runner that does not come to it fails the test instead of hanging it.
async fn wait_for(world: &World, id: &str, status: &str) -> Value {
    let mut changes = world.hub.store.watch();
    let waiting = async {
        loop {
            let job = job(world, id).await;
            if job["status"] == status {
                return job;
            }
            changes.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap()
}

fn counts(job: &Value) -> Vec<u64> {
    let names = ["deviceCount", "succeededCount", "failedCount", "runningCount", "pendingCount"];
    names.iter().map(|name| job["deviceJobStatistics"][name].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_twin_update_reaches_the_devices_of_its_condition_and_no_other() {
    let world = world(300).await;
    make(&world, "j1", tagging("deviceId != 'd007'")).await;
    world.advance(2);
    let job = done(&world, "j1").await;
    assert_eq!((&job["status"], counts(&job)), (&json!("completed"), vec![299, 299, 0, 0, 0]));
    assert_eq!(
        (&job["startTime"], &job["endTime"]),
        (&json!("2026-01-02T03:04:05.678Z"), &json!("2026-01-02T03:04:07.678Z"))
    );
    let twin = world.twin("d299").await;
    assert_eq!((&twin["tags"]["done"], &twin["properties"]["desired"]["speed"]), (&json!(true), &json!(5)));
    assert!(world.twin("d007").await.get("tags").is_none());
}

#[tokio::test]
async fn what_a_job_came_to_on_each_device_is_queried() {
    let world = world(3).await;
    make(&world, "j1", tagging("*")).await;
    done(&world, "j1").await;
    let found = rows(&world, "devices.jobs.deviceId = 'd001' AND devices.jobs.status = 'completed'").await;
    let at = "2026-01-02T03:04:05.678Z";
    let expected = json!({"deviceId": "d001", "jobId": "j1", "jobType": "scheduleUpdateTwin", "status": "completed",
        "startTimeUtc": at, "endTimeUtc": at, "createdDateTimeUtc": at, "lastUpdatedDateTimeUtc": at,
        "outcome": {"deviceMethodResponse": null}});
    assert_eq!(found, [expected]);
    assert_eq!(rows(&world, "devices.jobs.createdTimeUtc > '2026-01-01'").await.len(), 3);
    assert!(rows(&world, "jobId = 'j2'").await.is_empty());
}

#[tokio::test]
async fn a_device_that_is_not_connected_fails_and_the_job_completes() {
    let world = world(25).await;
    make(&world, "j1", calling("*")).await;
    let job = done(&world, "j1").await;
    assert_eq!((&job["status"], counts(&job)), (&json!("completed"), vec![25, 0, 25, 0, 0]));
    let found = rows(&world, "deviceId = 'd000'").await;
    assert_eq!((&found[0]["status"], &found[0]["error"]["code"]), (&json!("failed"), &json!("404103")));
}

#[tokio::test]
async fn what_a_connected_device_answers_is_the_outcome() {
    let world = world(2).await;
    let mut device = connect(&world, "d001").await;
    device.session.listen(Features { methods: true, ..Features::default() });
    let answering = tokio::spawn(async move {
        while let Some(told) = device.inbox.recv().await {
            if let ToDevice::Method(call) = told {
                device.session.answer_method(&call.request_id, 503, br#"{"busy":true}"#.as_slice().into());
            }
        }
    });
    make(&world, "j1", calling("*")).await;
    assert_eq!(counts(&done(&world, "j1").await), [2, 1, 1, 0, 0]);
    let found = rows(&world, "deviceId = 'd001'").await;
    assert_eq!(found[0]["outcome"]["deviceMethodResponse"], json!({"status": 503, "payload": {"busy": true}}));
    assert_eq!((&found[0]["status"], found[0].get("error")), (&json!("completed"), None));
    answering.abort();
}

#[tokio::test]
async fn modules_are_reached_by_a_condition_over_them() {
    let world = world(2).await;
    world.put_module("d001", "m1", json!({"deviceId": "d001", "moduleId": "m1"})).await;
    make(&world, "j1", tagging("FROM devices.modules WHERE moduleId = 'm1'")).await;
    assert_eq!(counts(&done(&world, "j1").await), [1, 1, 0, 0, 0]);
    let params = [("id", "d001"), ("mid", "m1")];
    let twin = fixture::json(&world.call("Modules_GetTwin", &params, &[], None).await.unwrap());
    assert_eq!(twin["tags"]["done"], true);
    assert_eq!(rows(&world, "moduleId = 'm1'").await.len(), 1);
}

#[tokio::test]
async fn an_etag_that_is_not_the_twin_s_fails_the_device() {
    let world = world(2).await;
    world.call("Devices_UpdateTwin", &[("id", "d000")], &[], json!({"tags": {"a": 1}})).await.unwrap();
    let mut body = tagging("*");
    body["updateTwin"]["etag"] = json!("AAAAAAAAAAI=");
    make(&world, "j1", body).await;
    assert_eq!(counts(&done(&world, "j1").await), [2, 1, 1, 0, 0]);
    assert_eq!(rows(&world, "deviceId = 'd001'").await[0]["error"]["code"], "412001");
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_fails_the_job() {
    let world = world(1).await;
    make(&world, "j1", tagging("SELECT * FROM devices")).await;
    let job = done(&world, "j1").await;
    assert_eq!(job["status"], "failed");
    assert!(job["failureReason"].as_str().unwrap().contains("condition"), "{job}");
    assert_eq!(counts(&job), [0; 5]);
}

#[tokio::test]
async fn a_job_begins_when_the_clock_is_moved_to_its_time() {
    let world = world(1).await;
    let runner = runner(&world);
    let mut body = tagging("*");
    body["startTime"] = json!("2026-01-02T05:00:00Z");
    make(&world, "j1", body).await;
    let waiting = wait_for(&world, "j1", "scheduled").await;
    assert!(waiting.get("deviceJobStatistics").is_none());
    world.advance(3600);
    tokio::task::yield_now().await;
    assert_eq!(job(&world, "j1").await["status"], "scheduled");
    world.advance(3600);
    assert_eq!(counts(&wait_for(&world, "j1", "completed").await), [1, 1, 0, 0, 0]);
    runner.abort();
}

#[tokio::test]
async fn a_cancelled_job_never_begins() {
    let world = world(1).await;
    let runner = runner(&world);
    let mut body = tagging("*");
    body["startTime"] = json!("2026-01-02T05:00:00Z");
    make(&world, "j1", body).await;
    wait_for(&world, "j1", "scheduled").await;
    world.call("Jobs_CancelScheduledJob", &[("id", "j1")], &[], None).await.unwrap();
    world.advance(7200);
    make(&world, "j2", tagging("*")).await;
    wait_for(&world, "j2", "completed").await;
    assert_eq!(job(&world, "j1").await["status"], "cancelled");
    runner.abort();
}

#[tokio::test]
async fn a_job_that_was_left_in_the_middle_goes_on_and_counts_every_device_once() {
    let world = world(200).await;
    make(&world, "j1", tagging("*")).await;
    let at = format!("{}/j1", World::KEY);
    // The process ended after the second piece of the search: a search that is cut off leaves just that.
    let cut = tokio::spawn({
        let (hub, at) = (world.hub.clone(), at.clone());
        async move { run::run(&hub, &at).await }
    });
    let mut changes = world.hub.store.watch();
    while changes.recv().await.unwrap().collection.as_ref() != "hub.deviceJobs" {}
    cut.abort();
    assert!(cut.await.is_err());
    assert_eq!(world.hub.jobs.get(&at).unwrap().status, JobStatus::Running);
    let job = done(&world, "j1").await;
    assert_eq!((&job["status"], counts(&job)), (&json!("completed"), vec![200, 200, 0, 0, 0]));
}

#[tokio::test]
async fn what_is_not_done_in_time_has_failed() {
    let world = world(3).await;
    make(&world, "j1", tagging("*")).await;
    let at = format!("{}/j1", World::KEY);
    world
        .hub
        .store
        .transact(|transaction| {
            let mut job = crate::jobs::scheduled::ScheduledJob::clone(&transaction.get(&world.hub.jobs, &at).unwrap());
            job.status = JobStatus::Running;
            job.begun_at = Some(fixture::now());
            transaction.put(&world.hub.jobs, &at, job);
            Ok::<_, iolite_kernel::ServiceError>(())
        })
        .await
        .unwrap();
    world.advance(61);
    let job = done(&world, "j1").await;
    assert_eq!((&job["status"], counts(&job)), (&json!("completed"), vec![3, 0, 3, 0, 0]));
    assert_eq!(rows(&world, "deviceId = 'd000'").await[0]["error"]["code"], "400024");
    assert!(world.twin("d000").await.get("tags").is_none());
}

#[tokio::test]
async fn a_job_is_forgotten_thirty_days_after_its_end() {
    let world = world(2).await;
    make(&world, "j1", tagging("*")).await;
    let runner = runner(&world);
    wait_for(&world, "j1", "completed").await;
    let mut changes = world.hub.store.watch();
    world.advance(30 * 86_400 - 1);
    tokio::task::yield_now().await;
    assert_eq!(world.hub.device_jobs.count(""), 2);
    world.advance(1);
    while world.hub.jobs.count("") > 0 {
        changes.recv().await.unwrap();
    }
    assert_eq!(world.hub.device_jobs.count(""), 0);
    runner.abort();
}

#[tokio::test]
async fn routes_hear_what_a_job_came_to_on_each_device() {
    let world = world(2).await;
    let route = json!({"name": "jobs", "source": "DeviceJobLifecycleEvents", "condition": "true",
        "endpointNames": ["events"], "isEnabled": true});
    world.put_hub_properties(json!({"routing": {"routes": [route]}})).await;
    make(&world, "j1", tagging("deviceId = 'd001'")).await;
    done(&world, "j1").await;
    let (stream, mut heard) = (world.hub.own_stream(World::KEY).unwrap(), Vec::new());
    for partition in 0..4 {
        heard.extend(stream.read(partition, Position::Earliest, 100, 1 << 20).await.unwrap());
    }
    let event = HubEvent::decode(heard.remove(0).body).unwrap();
    assert_eq!((&*event.source, event.message.property("opType")), ("deviceJobLifecycleEvents", Some("completed")));
    let body: Value = serde_json::from_slice(&event.message.body).unwrap();
    assert_eq!((&body["jobId"], &body["deviceId"], heard.len()), (&json!("j1"), &json!("d001"), 0));
}

#[tokio::test]
async fn jobs_of_one_hub_do_not_touch_another_s_devices() {
    let world = world(1).await;
    world.put_hub("Contoso-Hub-2", json!({})).await;
    let other = world.hub.change("contoso-hub-2", |registry| {
        registry.create_device("d000", &DeviceSpec::default(), &FirstTwin::empty(Birth::Device))
    });
    other.await.unwrap();
    make(&world, "j1", tagging("*")).await;
    assert_eq!(counts(&done(&world, "j1").await), [1, 1, 0, 0, 0]);
    assert!(world.hub.twins.get("contoso-hub-2/d000").unwrap().tags.is_none());
}
