//! `Jobs_QueryScheduledJobs`: the scheduled jobs of a hub, of one type or status, a page at a time.
//!
//! Source: IoT Hub data plane 2021-04-12. The specification writes an object with the items; the Node and .NET SDKs and Azure
//! CLI read a bare array with its paging in headers, as of every other query, and so it is here.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, PageToken, Request, Right, Service, ServiceError, Support};

use crate::jobs::scheduled::job::ScheduledJob;
use crate::{Hub, body, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Jobs_QueryScheduledJobs",
    method: Method::Get,
    path: "/jobs/v2/query",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/jobs/read"],
        rights: &[Right::ServiceConnect, Right::RegistryRead],
    },
    support: Support::Served,
    summary: "Lists scheduled jobs.",
};

/// How many jobs a page has where the caller says nothing.
const USUAL_JOBS: usize = 100;
/// How many jobs a page has at most.
const MOST_JOBS: usize = 1000;
/// How many jobs are looked at at once.
const PIECE: usize = 512;

/// The types of the specification; those of scheduled jobs are the only ones that find something.
const TYPES: [&str; 14] = [
    "unknown",
    "export",
    "import",
    "backup",
    "readDeviceProperties",
    "writeDeviceProperties",
    "updateDeviceConfiguration",
    "rebootDevice",
    "factoryResetDevice",
    "firmwareUpdate",
    "scheduleDeviceMethod",
    "scheduleUpdateTwin",
    "restoreFromBackup",
    "failoverDataCopy",
];
const STATUSES: [&str; 8] =
    ["unknown", "enqueued", "running", "completed", "failed", "cancelled", "scheduled", "queued"];

/// Answers a page of jobs in the order of their ids: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let kind = choice(&request, "jobType", &TYPES)?;
    let status = choice(&request, "jobStatus", &STATUSES)?;
    let size = body::count("x-ms-max-item-count", request.header("x-ms-max-item-count"), USUAL_JOBS, MOST_JOBS)?;
    let key = permit.resource_key();
    let listing = format!("jobs\n{key}\n{}\n{}", kind.unwrap_or_default(), status.unwrap_or_default());
    let mut after = match request.header("x-ms-continuation").filter(|text| !text.is_empty()) {
        Some(text) => Some(PageToken::decode(&listing, text).map_err(|_| foreign())?.after),
        None => None,
    };
    let wanted = |job: &ScheduledJob| {
        kind.is_none_or(|kind| job.work.kind() == kind) && status.is_none_or(|status| job.status.name() == status)
    };
    let (prefix, mut found) = (format!("{key}/"), Vec::new());
    loop {
        let piece = hub.jobs.page(&prefix, after.as_deref(), PIECE);
        let ended = piece.len() < PIECE;
        after = piece.last().map(|(key, _)| key.to_string());
        found.extend(piece.into_iter().filter(|(_, job)| wanted(job)));
        if ended || found.len() > size {
            break;
        }
        tokio::task::yield_now().await;
    }
    let more = found.len() > size;
    found.truncate(size);
    let jobs: Vec<_> = found.iter().map(|(_, job)| job.view()).collect();
    let answer = Answer::ok(&jobs).with_header("x-ms-item-type", "JobResponse");
    Ok(match found.last().filter(|_| more) {
        Some((last, _)) => answer.with_header("x-ms-continuation", PageToken::new(&listing, &**last).encode()),
        None => answer,
    })
}

/// The value of a filter, in the specification's letters; a client may write it in others, or leave it empty.
fn choice(request: &Request, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, ServiceError> {
    let Some(given) = request.query(name).filter(|given| !given.is_empty()) else { return Ok(None) };
    let found = known.iter().find(|known| known.eq_ignore_ascii_case(given)).copied();
    found.map(Some).ok_or_else(|| {
        errors::invalid(format!("'{name}' is '{}'; it takes {}.", body::shortened(given), known.join(", ")))
    })
}

fn foreign() -> ServiceError {
    errors::invalid("The x-ms-continuation header was not given out for this query.")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, header};

    async fn world() -> World {
        let world = World::new();
        for id in ["a", "b", "c"] {
            let body = json!({"type": "scheduleUpdateTwin", "queryCondition": "*", "startTime": "2027-01-01T00:00:00Z",
                "updateTwin": {"etag": "*", "tags": {}}});
            world.call("Jobs_CreateScheduledJob", &[("id", id)], &[], body).await.unwrap();
        }
        world.call("Jobs_CancelScheduledJob", &[("id", "b")], &[], None).await.unwrap();
        world
    }

    async fn ask(
        world: &World,
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Result<Answer, ServiceError> {
        let mut request = fixture::request(&[], headers, Vec::new());
        request.query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        world.send(OPERATION.name, request).await
    }

    fn ids(answer: &Answer) -> Vec<Value> {
        fixture::json(answer).as_array().unwrap().iter().map(|job| job["jobId"].clone()).collect()
    }

    #[tokio::test]
    async fn jobs_are_found_by_type_and_status() {
        let world = world().await;
        for (query, expected) in [
            (vec![], json!(["a", "b", "c"])),
            (vec![("jobStatus", "Cancelled")], json!(["b"])),
            (vec![("jobType", "scheduleUpdateTwin"), ("jobStatus", "queued")], json!(["a", "c"])),
            (vec![("jobType", "scheduleDeviceMethod"), ("jobStatus", "")], json!([])),
        ] {
            let answer = ask(&world, &query, &[]).await.unwrap();
            assert_eq!(json!(ids(&answer)), expected, "{query:?}");
            assert_eq!(header(&answer, "x-ms-item-type"), Some("JobResponse"));
        }
        for query in [[("jobType", "x")], [("jobStatus", "done")]] {
            assert_eq!(ask(&world, &query, &[]).await.unwrap_err().code, &errors::ARGUMENT_INVALID);
        }
    }

    #[tokio::test]
    async fn pages_follow_one_another_and_a_token_is_its_own_query_s() {
        let world = world().await;
        let first = ask(&world, &[], &[("x-ms-max-item-count", "2")]).await.unwrap();
        assert_eq!(ids(&first), ["a", "b"]);
        let token = header(&first, "x-ms-continuation").unwrap();
        let second = ask(&world, &[], &[("x-ms-continuation", token)]).await.unwrap();
        assert_eq!((ids(&second), header(&second, "x-ms-continuation")), (vec![json!("c")], None));
        for (query, token) in [(vec![("jobStatus", "queued")], token), (vec![], "forged")] {
            let error = ask(&world, &query, &[("x-ms-continuation", token)]).await.unwrap_err();
            assert_eq!(error.code, &errors::ARGUMENT_INVALID);
        }
    }
}
