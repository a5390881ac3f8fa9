//! `Jobs_GetImportExportJob`: one import or export job.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_GetImportExportJob",
    method: Method::Get,
    path: "/jobs/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/jobs/read"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Reads an import or export job.",
};

/// Answers the job: 200, or 404 where there is none.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let found = hub.registry_jobs.get(&ids::device_key(&permit.resource_key(), request.param("id")));
    found.map(|job| job.answer()).ok_or_else(errors::job_not_found)
}
