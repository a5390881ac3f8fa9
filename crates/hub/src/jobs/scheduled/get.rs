//! `Jobs_GetScheduledJob`: one scheduled job.
//!
//! Source: IoT Hub data plane 2021-04-12. Of an import or export job it knows the id only and says `unknown`, whereupon
//! clients ask for it by its own path (Azure CLI does; azure-iot-sdk-csharp issue 2941, 2022).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde_json::json;

use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_GetScheduledJob",
    method: Method::Get,
    path: "/jobs/v2/{id}",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/jobs/read"],
        rights: &[Right::ServiceConnect, Right::RegistryRead],
    },
    support: Support::Served,
    summary: "Reads a scheduled job.",
};

/// Answers the job: 200, or 404 where there is none.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = request.param("id");
    let key = ids::device_key(&permit.resource_key(), id);
    match hub.jobs.get(&key) {
        Some(job) => Ok(job.answer()),
        None if hub.registry_jobs.get(&key).is_some() => {
            Ok(Answer::ok(&json!({"jobId": id, "type": "unknown", "status": "unknown"})))
        }
        None => Err(errors::job_not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::World;

    #[tokio::test]
    async fn an_unknown_job_is_refused() {
        let error = World::new().call(OPERATION.name, &[("id", "j1")], &[], None).await.unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (&errors::JOB_NOT_FOUND, "NotFound"));
    }
}
