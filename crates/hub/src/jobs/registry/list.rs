//! `Jobs_GetImportExportJobs`: the import and export jobs of a hub.
//!
//! Source: IoT Hub data plane 2021-04-12: a bare array without paging; those of thirty days, a few at most.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_GetImportExportJobs",
    method: Method::Get,
    path: "/jobs",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.Devices/IotHubs/jobs/read"], rights: &[Right::RegistryWrite] },
    support: Support::Served,
    summary: "Lists import and export jobs.",
};

/// How many jobs are listed at most.
const MOST: usize = 1000;

/// Answers the jobs: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let jobs = hub.registry_jobs.page(&format!("{}/", permit.resource_key()), None, MOST);
    Ok(Answer::ok(&jobs.iter().map(|(_, job)| job.view()).collect::<Vec<_>>()))
}
