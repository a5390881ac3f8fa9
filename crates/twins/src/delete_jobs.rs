//! Jobs that empty an instance: known, and refused by name until they are built.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Deletion jobs are not built yet: delete twins and models one by one, or reset the emulator.";

/// Starts a job that deletes all models, twins and relationships.
pub const ADD: Operation = Operation {
    service: Service::Twins,
    name: "DeleteJobs_Add",
    method: Method::Post,
    path: "/jobs/deletions",
    versions: versions::DELETE_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/deletions/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Starts a job that deletes all models, twins and relationships.",
};

/// Lists the deletion jobs.
pub const LIST: Operation = Operation {
    service: Service::Twins,
    name: "DeleteJobs_List",
    method: Method::Get,
    path: "/jobs/deletions",
    versions: versions::DELETE_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/deletions/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Lists the deletion jobs.",
};

/// Gets a deletion job.
pub const GET_BY_ID: Operation = Operation {
    service: Service::Twins,
    name: "DeleteJobs_GetById",
    method: Method::Get,
    path: "/jobs/deletions/{id}",
    versions: versions::DELETE_JOBS,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/jobs/deletions/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Gets a deletion job.",
};
