//! Calls a direct method of a job's devices, a few at the same time.

use std::sync::Arc;

use iolite_kernel::ServiceError;
use serde_json::value::to_raw_value;
use tokio::task::JoinSet;

use crate::document::Doc;
use crate::jobs::scheduled::device_job::{DeviceJob, DeviceJobError, DeviceJobStatus};
use crate::jobs::scheduled::job::ScheduledJob;
use crate::jobs::scheduled::settle::{Unfinished, settle, step, tell};
use crate::methods::call::MethodCall;
use crate::{Hub, ids, methods};

/// How many devices a job calls at the same time (documented: ten device operations a second on the smaller tiers).
const CALLS_AT_ONCE: usize = 10;

/// Calls all devices of the job that are not done, until its time is over.
pub(super) async fn call(hub: &Arc<Hub>, at: &str, job: &ScheduledJob, call: MethodCall) -> Result<(), ServiceError> {
    let (mut calls, mut left) = (JoinSet::new(), Unfinished::new(hub, at));
    let mut waiting = left.next_piece();
    let timeout = hub.ground.wait_until(job.deadline());
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
    let answer =
        methods::call::invoke(&hub, ids::hub_of(&at), &device.device_id, device.module_id.as_deref(), &call).await;
    let settled = step(&hub, &at, |registry, job| {
        let outcome = match &answer {
            Ok(answer) => Ok(to_raw_value(answer).ok().map(Doc::from)),
            Err(error) => Err(DeviceJobError::from(error)),
        };
        settle(registry, job, &key, outcome)
    });
    tell(&hub, &at, settled.await?.flatten().as_slice());
    Ok(())
}
