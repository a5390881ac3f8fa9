//! `Jobs_CancelScheduledJob`: calls a scheduled job off.
//!
//! Source: IoT Hub data plane 2021-04-12; a job that has begun cannot be called off (azure-iot-sdk-node issue 464, 2019, with
//! the service's own words).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::jobs::scheduled::job::{JobStatus, ScheduledJob};
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_CancelScheduledJob",
    method: Method::Post,
    path: "/jobs/v2/{id}/cancel",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/jobs/delete"],
        rights: &[Right::ServiceConnect, Right::RegistryRead],
    },
    support: Support::Served,
    summary: "Cancels a scheduled job.",
};

/// Calls the job off: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = ids::device_key(&permit.resource_key(), request.param("id"));
    let job = hub
        .store
        .transact(|transaction| {
            let job = transaction.get(&hub.jobs, &key).ok_or_else(errors::job_not_found)?;
            if !matches!(job.status, JobStatus::Queued | JobStatus::Scheduled) {
                return Err(too_late(job.status));
            }
            let cancelled = ScheduledJob {
                status: JobStatus::Cancelled,
                ended_at: Some(hub.ground.now()),
                ..ScheduledJob::clone(&job)
            };
            transaction.put(&hub.jobs, &key, cancelled.clone());
            Ok(cancelled)
        })
        .await?;
    Ok(job.answer())
}

/// The text is the service's own for a job that runs.
fn too_late(status: JobStatus) -> ServiceError {
    let mut name = status.name().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let message = format!("Job cannot be cancelled in '{name}' status.");
    ServiceError::new(&errors::OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World};

    #[tokio::test]
    async fn a_job_is_called_off_before_it_begins_and_only_once() {
        let world = World::new();
        let body = json!({"type": "scheduleUpdateTwin", "queryCondition": "*", "startTime": "2027-01-01T00:00:00Z",
            "updateTwin": {"etag": "*", "tags": {}}});
        world.call("Jobs_CreateScheduledJob", &[("id", "j1")], &[], body).await.unwrap();
        world.advance(5);
        let job = fixture::json(&world.call(OPERATION.name, &[("id", "j1")], &[], None).await.unwrap());
        assert_eq!((&job["status"], &job["endTime"]), (&json!("cancelled"), &json!("2026-01-02T03:04:10.678Z")));
        let error = world.call(OPERATION.name, &[("id", "j1")], &[], None).await.unwrap_err();
        assert_eq!(error.code, &errors::OPERATION_NOT_ALLOWED_IN_CURRENT_STATE);
        assert_eq!(error.message, "Job cannot be cancelled in 'Cancelled' status.");
    }

    #[tokio::test]
    async fn an_unknown_job_is_refused() {
        let error = World::new().call(OPERATION.name, &[("id", "j1")], &[], None).await.unwrap_err();
        assert_eq!(error.code, &errors::JOB_NOT_FOUND);
    }
}
