//! Import and export jobs: the whole registry of a hub into a blob, or a blob into the registry.

mod job;

use iolite_kernel::{Method, Need, Operation, Right, Service, Support};

pub use job::RegistryJob;

use crate::versions;

const READ: &[&str] = &["Microsoft.Devices/IotHubs/jobs/read"];
const WRITE: &[&str] = &["Microsoft.Devices/IotHubs/jobs/write"];
const DELETE: &[&str] = &["Microsoft.Devices/IotHubs/jobs/delete"];

/// Every operation over import and export jobs.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation("Jobs_CreateImportExportJob", Method::Post, "/jobs/create", WRITE, "Makes an import or export job."),
    operation("Jobs_GetImportExportJobs", Method::Get, "/jobs", READ, "Lists import and export jobs."),
    operation("Jobs_GetImportExportJob", Method::Get, "/jobs/{id}", READ, "Reads an import or export job."),
    operation("Jobs_CancelImportExportJob", Method::Delete, "/jobs/{id}", DELETE, "Cancels an import or export job."),
];

const fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    actions: &'static [&'static str],
    summary: &'static str,
) -> Operation {
    Operation {
        service: Service::Hub,
        name,
        method,
        path,
        versions: versions::ALL,
        need: Need::DataPlane { actions, rights: &[Right::RegistryWrite] },
        support: Support::Refused(
            "Import and export jobs are not built yet; bulk requests (POST /devices) take 100 identities at a time.",
        ),
        summary,
    }
}
