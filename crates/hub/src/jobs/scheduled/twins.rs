//! Updates the twins of a job's devices, a piece of them as one change.

use iolite_kernel::{Precondition, ServiceError};

use crate::jobs::scheduled::device_job::DeviceJob;
use crate::jobs::scheduled::job::ScheduledJob;
use crate::jobs::scheduled::settle::{Unfinished, settle, step, tell};
use crate::registry::Registry;
use crate::twin::Change;
use crate::twins::unset::Unset;
use crate::{Hub, errors, ids};

/// Updates the twins of all devices of the job that are not done.
pub(super) async fn update(
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
        if piece.is_empty() || hub.ground.now() >= job.deadline() {
            return Ok(());
        }
        let updated = step(hub, at, |registry, job| {
            let updated = piece.iter().filter_map(|key| {
                let device = registry.transaction.get(&hub.device_jobs, key)?;
                let outcome = update_twin(registry, &device, change, &precondition).map(|()| None);
                settle(registry, job, key, outcome)
            });
            updated.collect::<Vec<_>>()
        });
        tell(hub, at, &updated.await?.unwrap_or_default());
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
    registry.put_changed_twin(&key, changed, &Unset::by(change));
    Ok(())
}
