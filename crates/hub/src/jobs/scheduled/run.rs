//! Does one scheduled job, from its beginning or from where it was left when the process ended.
//!
//! Called by the runner. First all devices are found and written down, then each is done; every step is one change of the
//! store that carries the job's counts along, so that they always add up. A device on which the process ended in the middle
//! of a direct method is called again.

use std::sync::Arc;

use iolite_kernel::ServiceError;

use crate::Hub;
use crate::jobs::scheduled::job::{JobStatus, ScheduledJob, Work};
use crate::jobs::scheduled::settle::{expire, step};
use crate::jobs::scheduled::{calls, find, request, target, twins};
use crate::methods::call::MethodCall;

/// Does the job at `at`. Ends early where the job is gone or was ended by someone else.
pub(super) async fn run(hub: &Arc<Hub>, at: &str) -> Result<(), ServiceError> {
    let Some(job) = begin(hub, at).await? else { return Ok(()) };
    if !job.targeted {
        match target::query(&job.condition) {
            Ok(query) => find::find(hub, at, &job, &query).await?,
            Err(error) => {
                let reason = format!("The query condition cannot be read: {error}.");
                return end(hub, at, JobStatus::Failed, Some(&reason)).await;
            }
        }
    }
    let done = match &job.work {
        Work::UpdateTwin(sent) => match request::twin_change(&sent.fields()) {
            Ok((change, etag)) => twins::update(hub, at, &job, &change, &etag).await,
            Err(error) => Err(error),
        },
        Work::DeviceMethod(sent) => match MethodCall::read(sent.as_str().as_bytes()) {
            Ok(call) => calls::call(hub, at, &job, call).await,
            Err(error) => Err(error),
        },
    };
    done?;
    expire(hub, at).await?;
    end(hub, at, JobStatus::Completed, None).await
}

/// The job, running now; `None` where there is nothing to run.
async fn begin(hub: &Hub, at: &str) -> Result<Option<ScheduledJob>, ServiceError> {
    hub.store
        .transact(|transaction| {
            let Some(job) = transaction.get(&hub.jobs, at) else { return Ok(None) };
            let mut job = ScheduledJob::clone(&job);
            match job.status {
                JobStatus::Running => return Ok(Some(job)),
                JobStatus::Queued | JobStatus::Scheduled => {}
                JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => return Ok(None),
            }
            job.status = JobStatus::Running;
            job.begun_at = Some(hub.ground.now());
            transaction.put(&hub.jobs, at, job.clone());
            Ok(Some(job))
        })
        .await
}

async fn end(hub: &Hub, at: &str, status: JobStatus, reason: Option<&str>) -> Result<(), ServiceError> {
    let ended = step(hub, at, |registry, job| {
        job.status = status;
        job.failure = reason.map(Box::from);
        job.ended_at = Some(registry.hub.ground.now());
    });
    ended.await.map(|_| ())
}
