//! Finds the devices of a job, and writes each down once.
//!
//! Called when a job begins; a search that was cut off is begun again, and what it had found is left as it is.

use iolite_kernel::{ServiceError, Timestamp};
use iolite_query::iothub::Query;

use crate::collection::{Found, Walk};
use crate::jobs::scheduled::device_job::{DeviceJob, DeviceJobStatus};
use crate::jobs::scheduled::job::ScheduledJob;
use crate::jobs::scheduled::settle::{PIECE, step};
use crate::{Hub, ids};

/// Writes down every device that `query` selects, once.
pub(super) async fn find(hub: &Hub, at: &str, job: &ScheduledJob, query: &Query) -> Result<(), ServiceError> {
    let mut walk = Walk::new(hub, ids::hub_of(at), query.from, None);
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
