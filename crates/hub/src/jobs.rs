//! Import and export jobs and scheduled jobs: known, and refused by name until they are built.
//!
//! Source: IoT Hub data plane 2021-04-12. The SAS rights are unverified (docs/quirks.md).

use iolite_kernel::{Method, Need, Operation, Right, Service, Support};

use crate::versions;

const REGISTRY: &[Right] = &[Right::RegistryWrite];
const SCHEDULED: &[Right] = &[Right::ServiceConnect, Right::RegistryRead];
const READ: &[&str] = &["Microsoft.Devices/IotHubs/jobs/read"];
const WRITE: &[&str] = &["Microsoft.Devices/IotHubs/jobs/write"];
const DELETE: &[&str] = &["Microsoft.Devices/IotHubs/jobs/delete"];
const NOT_IMPORTED: &str =
    "Import and export jobs are not built yet; bulk requests (POST /devices) take 100 identities at a time.";
const NOT_SCHEDULED: &str = "Scheduled jobs are not built yet; change twins one by one (PATCH /twins/{id}) meanwhile.";

/// Every operation over jobs.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        "Jobs_CreateImportExportJob",
        Method::Post,
        "/jobs/create",
        WRITE,
        REGISTRY,
        "Makes an import or export job.",
    ),
    operation("Jobs_GetImportExportJobs", Method::Get, "/jobs", READ, REGISTRY, "Lists import and export jobs."),
    operation("Jobs_GetImportExportJob", Method::Get, "/jobs/{id}", READ, REGISTRY, "Reads an import or export job."),
    operation(
        "Jobs_CancelImportExportJob",
        Method::Delete,
        "/jobs/{id}",
        DELETE,
        REGISTRY,
        "Cancels an import or export job.",
    ),
    operation("Jobs_GetScheduledJob", Method::Get, "/jobs/v2/{id}", READ, SCHEDULED, "Reads a scheduled job."),
    operation("Jobs_CreateScheduledJob", Method::Put, "/jobs/v2/{id}", WRITE, SCHEDULED, "Makes a scheduled job."),
    operation(
        "Jobs_CancelScheduledJob",
        Method::Post,
        "/jobs/v2/{id}/cancel",
        DELETE,
        SCHEDULED,
        "Cancels a scheduled job.",
    ),
    operation("Jobs_QueryScheduledJobs", Method::Get, "/jobs/v2/query", READ, SCHEDULED, "Lists scheduled jobs."),
];

const fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    actions: &'static [&'static str],
    rights: &'static [Right],
    summary: &'static str,
) -> Operation {
    let why = if rights.len() == 1 { NOT_IMPORTED } else { NOT_SCHEDULED };
    Operation {
        service: Service::Hub,
        name,
        method,
        path,
        versions: versions::ALL,
        need: Need::DataPlane { actions, rights },
        support: Support::Refused(why),
        summary,
    }
}
