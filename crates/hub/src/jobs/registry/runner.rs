//! Does import and export jobs as they come, and forgets them when their history is over.
//!
//! Spawned once, with the hub's other work. A job that was being done when the process ended goes on: an export from its beginning, an
//! import after the lines that were done.

use std::collections::HashSet;
use std::sync::Arc;

use iolite_kernel::{ServiceError, Timestamp};
use iolite_store::Record;
use tokio::task::JoinSet;

use crate::jobs::registry::job::{RegistryJob, RegistryJobKind, RegistryJobStatus};
use crate::jobs::registry::step::{Stop, step};
use crate::jobs::registry::{export, import};
use crate::jobs::scheduled::touched;
use crate::{Hub, ids};

/// How many records are looked at at once.
const PIECE: usize = 512;

impl Hub {
    /// Does the import and export jobs of every hub, for as long as the future is polled. Spawn it once.
    pub(crate) async fn run_registry_jobs(self: Arc<Self>) {
        let mut changes = self.store.watch_of(&[RegistryJob::COLLECTION]);
        let mut tasks = JoinSet::new();
        let mut begun = HashSet::new();
        loop {
            let (due, forgotten, next) = survey(&self);
            for key in forgotten {
                drop(forget(&self, &key).await);
            }
            for key in due {
                if begun.insert(key.clone()) {
                    let hub = self.clone();
                    tasks.spawn(async move { run(&hub, &key).await.map(|()| key) });
                }
            }
            let alarm = async {
                match next {
                    Some(at) => self.ground.wait_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = alarm => {}
                Some(ended) = tasks.join_next() => {
                    // One that the store would not let go on is tried again by the next process.
                    if let Ok(Ok(key)) = ended {
                        begun.remove(&key);
                    }
                }
                () = touched(&mut changes) => {}
            }
        }
    }
}

/// The jobs to be done, those to be forgotten, and when the next one is.
fn survey(hub: &Hub) -> (Vec<String>, Vec<String>, Option<Timestamp>) {
    let (mut due, mut forgotten, mut next, mut after) = (Vec::new(), Vec::new(), None, None::<String>);
    loop {
        let piece = hub.registry_jobs.page("", after.as_deref(), PIECE);
        for (key, job) in &piece {
            match job.forgotten_at() {
                None => due.push(key.to_string()),
                Some(at) if at <= hub.ground.now() => forgotten.push(key.to_string()),
                later => next = next.into_iter().chain(later).min(),
            }
        }
        match piece.last() {
            Some((last, _)) if piece.len() == PIECE => after = Some(last.to_string()),
            _ => return (due, forgotten, next),
        }
    }
}

async fn forget(hub: &Hub, key: &str) -> Result<(), ServiceError> {
    hub.store
        .transact(|transaction| {
            transaction.delete(&hub.registry_jobs, key);
            Ok(())
        })
        .await
}

/// Does the job at `at`.
pub(super) async fn run(hub: &Hub, at: &str) -> Result<(), ServiceError> {
    let Some(job) = begin(hub, at).await? else { return Ok(()) };
    let key = ids::hub_of(at);
    let done = match job.kind {
        RegistryJobKind::Export => export::run(hub, key, at, &job).await,
        RegistryJobKind::Import => import::run(hub, key, at, &job).await,
    };
    let (status, failure) = match done {
        Ok(()) => (RegistryJobStatus::Completed, None),
        Err(Stop::Failed(reason)) => (RegistryJobStatus::Failed, Some(reason)),
        Err(Stop::Cancelled) => return Ok(()),
        Err(Stop::Store(error)) => return Err(error),
    };
    let ended = step(hub, at, |registry, job| {
        *job = job.over(status, failure.as_deref(), registry.hub.ground.now());
    });
    match ended.await {
        Ok(()) | Err(Stop::Cancelled | Stop::Failed(_)) => Ok(()),
        Err(Stop::Store(error)) => Err(error),
    }
}

async fn begin(hub: &Hub, at: &str) -> Result<Option<RegistryJob>, ServiceError> {
    hub.store
        .transact(|transaction| {
            let Some(job) = transaction.get(&hub.registry_jobs, at).filter(|job| !job.status.is_over()) else {
                return Ok(None);
            };
            let running = RegistryJob { status: RegistryJobStatus::Running, ..RegistryJob::clone(&job) };
            transaction.put(&hub.registry_jobs, at, running.clone());
            Ok(Some(running))
        })
        .await
}
