//! `Jobs_CreateScheduledJob`: makes a scheduled job.
//!
//! Source: IoT Hub data plane 2021-04-12, and iot-hub-devguide-jobs. A new job is answered as `queued` (the Node SDK's own
//! end-to-end test looks for it), whenever it is to begin.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::jobs::scheduled::job::{Counts, JobStatus, ScheduledJob};
use crate::jobs::scheduled::request;
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_CreateScheduledJob",
    method: Method::Put,
    path: "/jobs/v2/{id}",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/jobs/write"],
        rights: &[Right::ServiceConnect, Right::RegistryRead],
    },
    support: Support::Served,
    summary: "Makes a scheduled job.",
};

/// Makes the job: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = ids::job(request.param("id"))?;
    let sent = request::read(&request, id)?;
    let (key, now) = (permit.resource_key(), hub.ground.now());
    let at = ids::device_key(&key, id);
    let job = ScheduledJob {
        id: id.into(),
        work: sent.work,
        condition: sent.condition,
        created_at: now,
        start_at: sent.start_at.unwrap_or(now),
        most_seconds: sent.most_seconds,
        status: JobStatus::Queued,
        begun_at: None,
        ended_at: None,
        failure: None,
        targeted: false,
        counts: Counts::default(),
    };
    let most_active = hub.throttle(&key).active_jobs().filter(|_| job.is_active(now));
    hub.store
        .transact(|transaction| {
            hub.require(transaction, &key)?;
            let taken = transaction.get(&hub.jobs, &at).is_some() || transaction.get(&hub.registry_jobs, &at).is_some();
            if taken {
                let message = format!("A job with ID '{id}' already exists.");
                return Err(ServiceError::new(&errors::JOB_ALREADY_EXISTS, message));
            }
            if let Some(most) = most_active {
                let known = transaction.all(&hub.jobs, &format!("{key}/"));
                if known.iter().filter(|(_, job)| job.is_active(now)).count() >= most {
                    let message = format!("No more than {most} jobs are active at the same time in this tier.");
                    return Err(ServiceError::new(&errors::TOO_MANY_ACTIVE_JOBS, message));
                }
            }
            transaction.put(&hub.jobs, &at, job.clone());
            Ok(())
        })
        .await?;
    Ok(job.answer())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World};

    fn body() -> Value {
        json!({"type": "scheduleUpdateTwin", "queryCondition": "deviceId = 'a'", "startTime": "2026-01-02T04:00:00.5",
            "maxExecutionTimeInSeconds": 20, "cloudToDeviceMethod": null,
            "updateTwin": {"etag": "*", "tags": {"a": 1}, "properties": {"desired": {}, "reported": {}}}})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut body = body();
        body[field] = value;
        body
    }

    async fn put(world: &World, body: Value) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[("id", "j1")], &[], body).await
    }

    #[tokio::test]
    async fn a_new_job_is_queued_and_says_back_what_was_sent() {
        let world = World::new();
        let answer = put(&world, body()).await.unwrap();
        assert_eq!(answer.status, 200);
        let expected = json!({
            "jobId": "j1", "queryCondition": "deviceId = 'a'", "createdTime": "2026-01-02T03:04:05.678Z",
            "startTime": "2026-01-02T04:00:00.5Z", "maxExecutionTimeInSeconds": 20, "type": "scheduleUpdateTwin",
            "updateTwin": {"etag": "*", "tags": {"a": 1}, "properties": {"desired": {}, "reported": {}}},
            "status": "queued",
        });
        assert_eq!(fixture::json(&answer), expected);
    }

    #[tokio::test]
    async fn what_is_not_said_is_as_usual() {
        let world = World::new();
        let body = json!({"type": "scheduleDeviceMethod", "queryCondition": "*",
            "cloudToDeviceMethod": {"methodName": "reboot", "payload": {"a": 1.50}, "timeoutInSeconds": 30}});
        let job = fixture::json(&put(&world, body).await.unwrap());
        assert_eq!((&job["startTime"], &job["maxExecutionTimeInSeconds"]), (&job["createdTime"], &json!(3600)));
        assert_eq!(job["cloudToDeviceMethod"]["payload"], json!({"a": 1.5}));
    }

    #[tokio::test]
    async fn an_id_is_taken_once() {
        let world = World::new();
        put(&world, body()).await.unwrap();
        assert_eq!(put(&world, body()).await.unwrap_err().code, &errors::JOB_ALREADY_EXISTS);
    }

    async fn put_as(world: &World, id: &str, body: Value) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[("id", id)], &[], body).await
    }

    #[tokio::test]
    async fn a_throttled_hub_has_as_many_active_jobs_as_its_tier_allows() {
        let now = with("startTime", json!("2026-01-02T03:00:00"));
        let world = World::new();
        for id in ["a", "b"] {
            put_as(&world, id, now.clone()).await.unwrap();
        }
        let world = World::new();
        world.put_hub_properties(json!({"throttling": true})).await;
        put_as(&world, "later", body()).await.unwrap();
        put_as(&world, "first", now.clone()).await.unwrap();
        let refused = put_as(&world, "second", now.clone()).await.unwrap_err();
        assert_eq!((refused.code.status, refused.code.name), (429, "ThrottlingMaxActiveJobCountExceeded"));
        put_as(&world, "even-later", body()).await.unwrap();
        world.call("Jobs_CancelScheduledJob", &[("id", "first")], &[], None).await.unwrap();
        put_as(&world, "second", now).await.unwrap();
    }

    #[tokio::test]
    async fn a_job_that_could_not_be_done_is_refused_and_not_kept() {
        let world = World::new();
        let method =
            |call: Value| json!({"type": "scheduleDeviceMethod", "queryCondition": "*", "cloudToDeviceMethod": call});
        for (body, code) in [
            (with("type", json!("scheduleTwinUpdate")), &errors::GENERIC_BAD_REQUEST),
            (with("type", json!(null)), &errors::GENERIC_BAD_REQUEST),
            (with("jobId", json!("other")), &errors::ARGUMENT_INVALID),
            (with("queryCondition", json!(" ")), &errors::ARGUMENT_NULL),
            (with("queryCondition", json!("x".repeat(8193))), &errors::PRECONDITION_FAILED),
            (with("startTime", json!("soon")), &errors::ARGUMENT_INVALID),
            (with("maxExecutionTimeInSeconds", json!(-1)), &errors::ARGUMENT_INVALID),
            (with("updateTwin", json!(null)), &errors::ARGUMENT_NULL),
            (with("updateTwin", json!({"tags": {}})), &errors::ARGUMENT_INVALID),
            (with("updateTwin", json!({"etag": "*", "desired": {}})), &errors::ARGUMENT_INVALID),
            (with("updateTwin", json!({"etag": "*", "tags": {"a b": 1}})), &errors::ARGUMENT_INVALID),
            (method(json!(null)), &errors::ARGUMENT_NULL),
            (method(json!({"payload": 1})), &errors::ARGUMENT_NULL),
            (method(json!({"methodName": "m", "responseTimeoutInSeconds": 4})), &errors::ARGUMENT_INVALID),
        ] {
            assert_eq!(put(&world, body.clone()).await.unwrap_err().code, code, "{body}");
        }
        let slash = world.call(OPERATION.name, &[("id", "a/b")], &[], body()).await.unwrap_err();
        assert_eq!(slash.code, &errors::IOT_HUB_FORMAT_ERROR);
        assert_eq!(world.hub.jobs.count(""), 0);
    }
}
