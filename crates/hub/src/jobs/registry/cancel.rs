//! `Jobs_CancelImportExportJob`: calls an import or export job off.
//!
//! Source: IoT Hub data plane 2021-04-12; recorded: an unknown one is refused with `JobNotFound;NotFound`. What was imported
//! until then stays.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::jobs::registry::job::RegistryJobStatus;
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_CancelImportExportJob",
    method: Method::Delete,
    path: "/jobs/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/jobs/delete"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Cancels an import or export job.",
};

/// Calls the job off: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = ids::device_key(&permit.resource_key(), request.param("id"));
    hub.store
        .transact(|transaction| {
            let job = transaction.get(&hub.registry_jobs, &key).ok_or_else(errors::job_not_found)?;
            if job.status.is_over() {
                let message = "The job is over and cannot be cancelled.";
                return Err(ServiceError::new(&errors::OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, message));
            }
            transaction.put(&hub.registry_jobs, &key, job.over(RegistryJobStatus::Cancelled, None, hub.ground.now()));
            Ok(())
        })
        .await?;
    Ok(Answer::no_content())
}
