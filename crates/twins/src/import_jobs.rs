//! Jobs that import models, twins and relationships in bulk: known, and refused by name until they are built.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Import jobs are not built yet: upload models and put twins one by one.";

/// Lists the import jobs.
pub const LIST: Operation = Operation {
    service: Service::Twins,
    name: "ImportJobs_List",
    method: Method::Get,
    path: "/jobs/imports",
    versions: versions::IMPORT_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/imports/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Lists the import jobs.",
};

/// Starts an import job.
pub const ADD: Operation = Operation {
    service: Service::Twins,
    name: "ImportJobs_Add",
    method: Method::Put,
    path: "/jobs/imports/{id}",
    versions: versions::IMPORT_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/imports/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Starts an import job.",
};

/// Gets an import job.
pub const GET_BY_ID: Operation = Operation {
    service: Service::Twins,
    name: "ImportJobs_GetById",
    method: Method::Get,
    path: "/jobs/imports/{id}",
    versions: versions::IMPORT_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/imports/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Gets an import job.",
};

/// Deletes an import job.
pub const DELETE: Operation = Operation {
    service: Service::Twins,
    name: "ImportJobs_Delete",
    method: Method::Delete,
    path: "/jobs/imports/{id}",
    versions: versions::IMPORT_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/imports/delete"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Deletes an import job.",
};

/// Cancels an import job.
pub const CANCEL: Operation = Operation {
    service: Service::Twins,
    name: "ImportJobs_Cancel",
    method: Method::Post,
    path: "/jobs/imports/{id}/cancel",
    versions: versions::IMPORT_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/imports/cancel/action"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Cancels an import job.",
};
