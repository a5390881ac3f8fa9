//! Does one scheduled job, from its beginning or from where it was left when the process ended.
//!
//! Called by the runner. First all devices are found and written down, then each is done; every step is one change of the
//! store that carries the job's counts along, so that they always add up. A device on which the process ended in the middle
//! of a direct method is called again.

use std::sync::Arc;

use iolite_kernel::{Precondition, ServiceError, SignedDuration, Timestamp};
use iolite_query::iothub::Query;
use serde_json::value::to_raw_value;
use tokio::task::JoinSet;

use crate::collection::{Found, Walk};
use crate::document::Doc;
use crate::jobs::scheduled::device_job::{DeviceJob, DeviceJobError, DeviceJobStatus};
use crate::jobs::scheduled::job::{Counts, JobStatus, ScheduledJob, Work};
use crate::jobs::scheduled::{request, target};
use crate::methods::call::MethodCall;
use crate::registry::Registry;
use crate::twin::Change;
use crate::{Hub, errors, ids, methods};

/// How many devices one change of the store takes along.
const PIECE: usize = 128;
/// How many devices a job calls at the same time (documented: ten device operations a second on the smaller tiers).
const CALLS_AT_ONCE: usize = 10;

/// Does the job at `at`. Ends early where the job is gone or was ended by someone else.
pub(super) async fn run(hub: &Arc<Hub>, at: &str) -> Result<(), ServiceError> {
    let Some(job) = begin(hub, at).await? else { return Ok(()) };
    if !job.targeted {
        match target::query(&job.condition) {
            Ok(query) => find(hub, at, &job, &query).await?,
            Err(error) => {
                let reason = format!("The query condition cannot be read: {error}.");
                return end(hub, at, JobStatus::Failed, Some(&reason)).await;
            }
        }
    }
    let done = match &job.work {
        Work::UpdateTwin(sent) => match request::twin_change(&sent.fields()) {
            Ok((change, etag)) => update_twins(hub, at, &job, &change, &etag).await,
            Err(error) => Err(error),
        },
        Work::DeviceMethod(sent) => match MethodCall::read(sent.as_str().as_bytes()) {
            Ok(call) => call_methods(hub, at, &job, call).await,
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

/// Writes down every device that `query` selects, once.
async fn find(hub: &Hub, at: &str, job: &ScheduledJob, query: &Query) -> Result<(), ServiceError> {
    let mut walk = Walk::new(hub, hub_of(at), query.from, None);
    let mut most = query.top.unwrap_or(u64::MAX);
    let mut piece = Vec::new();
    while let Some((key, found)) = walk.next().await {
        if most == 0 {
            break;
        }
        if query.matches(&found.row(hub, &key)) {
            most -= 1;
            piece.push(pending(job, &found, hub.ground.now()));
        }
        if piece.len() == PIECE {
            write_down(hub, at, std::mem::take(&mut piece)).await?;
        }
    }
    write_down(hub, at, piece).await?;
    step(hub, at, |_, job| job.targeted = true).await.map(|_| ())
}

fn pending(job: &ScheduledJob, found: &Found, now: Timestamp) -> DeviceJob {
    DeviceJob {
        job_id: job.id.clone(),
        kind: job.work.kind().into(),
        device_id: found.device_id().into(),
        module_id: found.module_id().map(Box::from),
        status: DeviceJobStatus::Pending,
        created_at: now,
        changed_at: now,
        begun_at: None,
        ended_at: None,
        response: None,
        error: None,
    }
}

async fn write_down(hub: &Hub, at: &str, piece: Vec<DeviceJob>) -> Result<(), ServiceError> {
    let written = step(hub, at, |registry, job| {
        for device in &piece {
            let key = place(at, device);
            if registry.transaction.get(&hub.device_jobs, &key).is_none() {
                job.counts.devices += 1;
                job.counts.pending += 1;
                registry.transaction.put(&hub.device_jobs, &key, device.clone());
            }
        }
    });
    written.await.map(|_| ())
}

/// Where what the job at `at` comes to on a device is kept.
fn place(at: &str, device: &DeviceJob) -> String {
    match &device.module_id {
        Some(module) => format!("{at}/{}/{module}", device.device_id),
        None => format!("{at}/{}", device.device_id),
    }
}

async fn update_twins(
    hub: &Hub,
    at: &str,
    job: &ScheduledJob,
    change: &Change,
    etag: &str,
) -> Result<(), ServiceError> {
    let precondition = Precondition::parse(Some(etag)).unwrap_or(Precondition::Any);
    let mut left = Unfinished::new(hub, at);
    loop {
        let piece = left.next_piece();
        if piece.is_empty() || hub.ground.now() >= deadline(job) {
            return Ok(());
        }
        step(hub, at, |registry, job| {
            for key in &piece {
                let Some(device) = registry.transaction.get(&hub.device_jobs, key) else { continue };
                let outcome = update_twin(registry, &device, change, &precondition).map(|()| None);
                settle(registry, job, key, outcome);
            }
        })
        .await?;
        tokio::task::yield_now().await;
    }
}

fn update_twin(
    registry: &mut Registry<'_, '_>,
    device: &DeviceJob,
    change: &Change,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    let (id, module) = (&*device.device_id, device.module_id.as_deref());
    let key = match module {
        None => registry.device(id).map(|_| ids::device_key(registry.key, id))?,
        Some(module) => registry.module(id, module).map(|_| ids::module_key(registry.key, id, module))?,
    };
    let current = registry.twin(&key).ok_or_else(|| errors::device_not_found(id))?;
    if !precondition.holds_for(Some(&current.etag())) {
        return Err(errors::twin_mismatch(id));
    }
    let changed = current.changed(change, registry.hub.ground.now())?;
    registry.put_twin(&key, changed);
    Ok(())
}

async fn call_methods(hub: &Arc<Hub>, at: &str, job: &ScheduledJob, call: MethodCall) -> Result<(), ServiceError> {
    let (mut calls, mut left) = (JoinSet::new(), Unfinished::new(hub, at));
    let mut waiting = left.next_piece();
    let timeout = hub.ground.wait_until(deadline(job));
    tokio::pin!(timeout);
    loop {
        while calls.len() < CALLS_AT_ONCE {
            if waiting.is_empty() {
                waiting = left.next_piece();
            }
            let Some(key) = waiting.pop() else { break };
            calls.spawn(call_method(hub.clone(), at.to_owned(), key, call.clone()));
        }
        tokio::select! {
            // What is dropped here is written down as failed by `expire`.
            () = &mut timeout => return Ok(()),
            ended = calls.join_next() => match ended {
                None => return Ok(()),
                Some(Ok(outcome)) => outcome?,
                // A call that panicked was logged where it did; its device counts as failed at the end.
                Some(Err(_)) => {}
            },
        }
    }
}

async fn call_method(hub: Arc<Hub>, at: String, key: String, call: MethodCall) -> Result<(), ServiceError> {
    let device = step(&hub, &at, |registry, job| {
        let device = registry.transaction.get(&hub.device_jobs, &key)?;
        let now = hub.ground.now();
        job.counts.moved(device.status, DeviceJobStatus::Running);
        let running = DeviceJob {
            status: DeviceJobStatus::Running,
            begun_at: Some(now),
            changed_at: now,
            ..DeviceJob::clone(&device)
        };
        registry.transaction.put(&hub.device_jobs, &key, running);
        Some(device)
    });
    let Some(device) = device.await?.flatten() else { return Ok(()) };
    let answer = methods::call::invoke(&hub, hub_of(&at), &device.device_id, device.module_id.as_deref(), &call).await;
    let settled = step(&hub, &at, |registry, job| {
        let outcome = match &answer {
            Ok(answer) => Ok(to_raw_value(answer).ok().map(Doc::from)),
            Err(error) => Err(DeviceJobError::from(error)),
        };
        settle(registry, job, &key, outcome);
    });
    settled.await.map(|_| ())
}

/// Writes down what came of the device job at `key`.
fn settle<E: Into<DeviceJobError>>(
    registry: &mut Registry<'_, '_>,
    job: &mut ScheduledJob,
    key: &str,
    outcome: Result<Option<Doc>, E>,
) {
    let hub = registry.hub;
    let Some(device) = registry.transaction.get(&hub.device_jobs, key).filter(|device| !device.status.is_over()) else {
        return;
    };
    let now = hub.ground.now();
    let mut settled = DeviceJob::clone(&device);
    settled.begun_at.get_or_insert(now);
    settled.ended_at = Some(now);
    settled.changed_at = now;
    match outcome {
        Ok(response) => (settled.status, settled.response) = (DeviceJobStatus::Completed, response),
        Err(error) => (settled.status, settled.error) = (DeviceJobStatus::Failed, Some(error.into())),
    }
    job.counts.moved(device.status, settled.status);
    registry.transaction.put(&hub.device_jobs, key, settled);
}

/// Gives up the devices that the job has not come to the end of.
async fn expire(hub: &Hub, at: &str) -> Result<(), ServiceError> {
    let mut left = Unfinished::new(hub, at);
    loop {
        let piece = left.next_piece();
        if piece.is_empty() {
            return Ok(());
        }
        step(hub, at, |registry, job| {
            for key in &piece {
                let error = ServiceError::new(
                    &errors::REQUEST_TIMED_OUT,
                    "The job's time was over before it came to an end on this device.",
                );
                settle(registry, job, key, Err(&error));
            }
        })
        .await?;
    }
}

/// Changes the job and what belongs to it; `None` where the job does not run any more.
async fn step<R: Send>(
    hub: &Hub,
    at: &str,
    change: impl Fn(&mut Registry<'_, '_>, &mut ScheduledJob) -> R + Send + Sync,
) -> Result<Option<R>, ServiceError> {
    hub.change(hub_of(at), |registry| {
        let Some(job) = registry.transaction.get(&hub.jobs, at) else { return Ok(None) };
        if job.status != JobStatus::Running {
            return Ok(None);
        }
        let mut changed = ScheduledJob::clone(&job);
        let result = change(registry, &mut changed);
        registry.transaction.put(&hub.jobs, at, changed);
        Ok(Some(result))
    })
    .await
}

/// The key of the hub that the job at `at` is of.
fn hub_of(at: &str) -> &str {
    at.split_once('/').map_or(at, |(hub, _)| hub)
}

fn deadline(job: &ScheduledJob) -> Timestamp {
    let begun = job.begun_at.unwrap_or(job.start_at);
    begun.saturating_add(SignedDuration::from_secs(job.most_seconds.into())).unwrap_or(Timestamp::MAX)
}

/// The devices of a job that are not done, in the order of their keys.
struct Unfinished<'a> {
    hub: &'a Hub,
    prefix: String,
    after: Option<String>,
}

impl<'a> Unfinished<'a> {
    fn new(hub: &'a Hub, at: &str) -> Self {
        Self { hub, prefix: format!("{at}/"), after: None }
    }

    /// The keys of some more of them; none at the end.
    fn next_piece(&mut self) -> Vec<String> {
        loop {
            let piece = self.hub.device_jobs.page(&self.prefix, self.after.as_deref(), PIECE);
            let Some((last, _)) = piece.last() else { return Vec::new() };
            self.after = Some(last.to_string());
            let keys: Vec<String> =
                piece.iter().filter(|(_, device)| !device.status.is_over()).map(|(key, _)| key.to_string()).collect();
            if !keys.is_empty() {
                return keys;
            }
        }
    }
}

impl Counts {
    /// One device has come from one state to another.
    fn moved(&mut self, from: DeviceJobStatus, to: DeviceJobStatus) {
        let place = self.of(from);
        *place = place.saturating_sub(1);
        *self.of(to) += 1;
    }

    fn of(&mut self, status: DeviceJobStatus) -> &mut u32 {
        match status {
            DeviceJobStatus::Pending => &mut self.pending,
            DeviceJobStatus::Running => &mut self.running,
            DeviceJobStatus::Completed => &mut self.succeeded,
            DeviceJobStatus::Failed => &mut self.failed,
        }
    }
}
