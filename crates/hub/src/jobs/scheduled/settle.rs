//! Steps of a scheduled job, and what they come to on its devices.
//!
//! Used by what does twin updates and method calls. A job that is gone, or was ended by someone else, takes no step more.

use iolite_kernel::ServiceError;

use crate::document::Doc;
use crate::jobs::scheduled::device_job::{DeviceJob, DeviceJobError, DeviceJobStatus};
use crate::jobs::scheduled::job::{JobStatus, ScheduledJob};
use crate::registry::Registry;
use crate::routing::Source;
use crate::routing::events::{self, About};
use crate::{Hub, errors, ids};

/// How many devices one change of the store takes along.
pub(super) const PIECE: usize = 128;

/// Changes the job and what belongs to it; `None` where the job does not run any more.
pub(super) async fn step<R: Send>(
    hub: &Hub,
    at: &str,
    change: impl Fn(&mut Registry<'_, '_>, &mut ScheduledJob) -> R + Send + Sync,
) -> Result<Option<R>, ServiceError> {
    hub.change(ids::hub_of(at), |registry| {
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

/// Writes down what came of the device job at `key`.
pub(super) fn settle<E: Into<DeviceJobError>>(
    registry: &mut Registry<'_, '_>,
    job: &mut ScheduledJob,
    key: &str,
    outcome: Result<Option<Doc>, E>,
) -> Option<DeviceJob> {
    let hub = registry.hub;
    let device = registry.transaction.get(&hub.device_jobs, key).filter(|device| !device.status.is_over())?;
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
    registry.transaction.put(&hub.device_jobs, key, settled.clone());
    Some(settled)
}

/// Gives up the devices that the job has not come to the end of.
pub(super) async fn expire(hub: &Hub, at: &str) -> Result<(), ServiceError> {
    let mut left = Unfinished::new(hub, at);
    loop {
        let piece = left.next_piece();
        if piece.is_empty() {
            return Ok(());
        }
        let given_up = step(hub, at, |registry, job| {
            let given_up = piece.iter().filter_map(|key| {
                let error = ServiceError::new(
                    &errors::REQUEST_TIMED_OUT,
                    "The job's time was over before it came to an end on this device.",
                );
                settle(registry, job, key, Err(&error))
            });
            given_up.collect::<Vec<_>>()
        });
        tell(hub, at, &given_up.await?.unwrap_or_default());
    }
}

/// Tells the hub's routes what a job came to on devices; called once that is kept.
pub(super) fn tell(hub: &Hub, at: &str, settled: &[DeviceJob]) {
    let key = ids::hub_of(at);
    if settled.is_empty() || !hub.routing.wants(key, Source::DeviceJobLifecycleEvents) {
        return;
    }
    let Some(record) = hub.hubs.get(key) else { return };
    for job in settled {
        let about = About {
            hub: record.id.name(),
            device: &job.device_id,
            module: job.module_id.as_deref(),
            at: job.changed_at,
        };
        let view = serde_json::to_value(job.view()).unwrap_or_default();
        let status = if job.status == DeviceJobStatus::Completed { "completed" } else { "failed" };
        hub.send_own(key, &events::job_lifecycle(&hub.ground, about, status, &view));
    }
}

/// The devices of a job that are not done, in the order of their keys.
pub(super) struct Unfinished<'a> {
    hub: &'a Hub,
    prefix: String,
    after: Option<String>,
}

impl<'a> Unfinished<'a> {
    /// Of the job at `at`, from the beginning.
    pub(super) fn new(hub: &'a Hub, at: &str) -> Self {
        Self { hub, prefix: format!("{at}/"), after: None }
    }

    /// The keys of some more of them; none at the end.
    pub(super) fn next_piece(&mut self) -> Vec<String> {
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
