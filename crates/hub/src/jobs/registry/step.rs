//! One step of an import or export job: a change of the hub that carries the job along.
//!
//! Used by both. A job that was cancelled, or is gone, takes no step more.

use iolite_kernel::ServiceError;

use crate::jobs::registry::job::{RegistryJob, RegistryJobStatus};
use crate::registry::Registry;
use crate::{Hub, ids};

/// Why a job does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It was called off.
    Cancelled,
    /// It cannot be done, for this reason.
    Failed(String),
    /// The store takes no changes any more.
    Store(ServiceError),
}

impl From<ServiceError> for Stop {
    fn from(error: ServiceError) -> Self {
        Self::Store(error)
    }
}

/// Changes the job at `at`, which runs, and what belongs to it.
pub(super) async fn step<R: Send>(
    hub: &Hub,
    at: &str,
    change: impl Fn(&mut Registry<'_, '_>, &mut RegistryJob) -> R + Send + Sync,
) -> Result<R, Stop> {
    let done = hub.change(ids::hub_of(at), |registry| {
        let Some(job) = registry.transaction.get(&hub.registry_jobs, at) else { return Ok(None) };
        if job.status != RegistryJobStatus::Running {
            return Ok(None);
        }
        let mut changed = RegistryJob::clone(&job);
        let result = change(registry, &mut changed);
        registry.transaction.put(&hub.registry_jobs, at, changed);
        Ok::<_, ServiceError>(Some(result))
    });
    done.await?.ok_or(Stop::Cancelled)
}

/// How much `done` is of `all`, in percent; the last percent is the end of the job itself.
pub(super) fn percent(done: u64, all: u64) -> u8 {
    u8::try_from(done.saturating_mul(100).checked_div(all).unwrap_or(0).min(99)).unwrap_or(99)
}
