//! Starts scheduled jobs when their time comes, and forgets them when their history is over.
//!
//! Spawned once, with the hub's other work. It sleeps until the next moment that matters on the injected clock, a change of a job, or the
//! end of one that it runs; nothing is kept here that the store does not have, so a restart goes on where it was.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use iolite_kernel::{ServiceError, Timestamp};
use iolite_store::{Change, Record};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::{self, JoinSet};

use crate::jobs::scheduled::job::{JobStatus, ScheduledJob};
use crate::jobs::scheduled::run;
use crate::{Hub, ids};

/// How many jobs run at the same time (documented for the largest tier).
const JOBS_AT_ONCE: usize = 10;
/// How many records are looked at, or forgotten, at once.
const PIECE: usize = 512;

impl Hub {
    /// Runs the scheduled jobs of every hub, for as long as the future is polled. Spawn it once.
    pub(crate) async fn run_jobs(self: Arc<Self>) {
        let mut changes = self.store.watch_of(&[ScheduledJob::COLLECTION]);
        let mut under_way = UnderWay::default();
        loop {
            let next = under_way.look(&self).await;
            let alarm = async {
                match next {
                    Some(at) => self.ground.wait_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = alarm => {}
                () = under_way.one_ends() => {}
                () = touched(&mut changes) => {}
            }
        }
    }
}

/// Waits until a record of those that are watched has changed, or may have.
pub(crate) async fn touched(changes: &mut broadcast::Receiver<Change>) {
    match changes.recv().await {
        Ok(_) | Err(RecvError::Lagged(_)) => {}
        // The store is closed: nothing will change any more.
        Err(RecvError::Closed) => std::future::pending().await,
    }
}

/// The jobs that are being run.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Result<(), ServiceError>>,
    keys: HashMap<task::Id, String>,
    /// Jobs that the store would not let go on; they are tried again by the next process.
    stuck: HashSet<String>,
}

impl UnderWay {
    /// Starts what is due, and tells when to look again.
    async fn look(&mut self, hub: &Arc<Hub>) -> Option<Timestamp> {
        let survey = survey(hub);
        self.stuck.retain(|key| hub.jobs.get(key).is_some());
        // A store that fails does so for every change from then on: what could not be written is left to the next process.
        drop(mark_scheduled(hub, &survey.early).await);
        for key in &survey.forgotten {
            drop(forget(hub, key).await);
        }
        for (_, key) in survey.due {
            let known = self.stuck.contains(&key) || self.keys.values().any(|running| *running == key);
            if !known && self.tasks.len() < JOBS_AT_ONCE && self.has_room(hub, &key) {
                let (hub, at) = (hub.clone(), key.clone());
                let task = self.tasks.spawn(async move { run::run(&hub, &at).await });
                self.keys.insert(task.id(), key);
            }
        }
        survey.next
    }

    /// Whether the hub of the job at `key` may have another one running.
    fn has_room(&self, hub: &Hub, key: &str) -> bool {
        let of = ids::hub_of(key);
        let Some(most) = hub.throttle(of).active_jobs() else { return true };
        self.keys.values().filter(|running| ids::hub_of(running) == of).count() < most
    }

    /// Waits until one of them has ended; for ever where none runs.
    async fn one_ends(&mut self) {
        let (id, done) = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, outcome))) => (id, outcome.is_ok()),
            Some(Err(error)) => (error.id(), false),
        };
        if let Some(key) = self.keys.remove(&id).filter(|_| !done) {
            self.stuck.insert(key);
        }
    }
}

/// What is to be done now, and when to look again.
#[derive(Default)]
struct Survey {
    /// Jobs whose time is still to come and that do not say so yet.
    early: Vec<String>,
    /// Jobs to be run, those first that were to begin first.
    due: Vec<(Timestamp, String)>,
    /// Jobs whose history is over.
    forgotten: Vec<String>,
    next: Option<Timestamp>,
}

fn survey(hub: &Hub) -> Survey {
    let (now, mut survey, mut after) = (hub.ground.now(), Survey::default(), None::<String>);
    loop {
        let piece = hub.jobs.page("", after.as_deref(), PIECE);
        for (key, job) in &piece {
            let alarm = match job.status {
                JobStatus::Queued | JobStatus::Scheduled if job.start_at > now => {
                    if job.status == JobStatus::Queued {
                        survey.early.push(key.to_string());
                    }
                    Some(job.start_at)
                }
                JobStatus::Queued | JobStatus::Scheduled | JobStatus::Running => {
                    survey.due.push((job.start_at, key.to_string()));
                    None
                }
                JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => match job.forgotten_at() {
                    Some(at) if at <= now => {
                        survey.forgotten.push(key.to_string());
                        None
                    }
                    later => later,
                },
            };
            survey.next = survey.next.into_iter().chain(alarm).min();
        }
        match piece.last() {
            Some((last, _)) if piece.len() == PIECE => after = Some(last.to_string()),
            _ => break,
        }
    }
    survey.due.sort();
    survey
}

async fn mark_scheduled(hub: &Hub, keys: &[String]) -> Result<(), ServiceError> {
    if keys.is_empty() {
        return Ok(());
    }
    hub.store
        .transact(|transaction| {
            for key in keys {
                let Some(job) = transaction.get(&hub.jobs, key) else { continue };
                if job.status == JobStatus::Queued {
                    let marked = ScheduledJob { status: JobStatus::Scheduled, ..ScheduledJob::clone(&job) };
                    transaction.put(&hub.jobs, key, marked);
                }
            }
            Ok(())
        })
        .await
}

/// Removes a job with what it came to on each device; the job itself last, so that a restart finds it again.
async fn forget(hub: &Hub, key: &str) -> Result<(), ServiceError> {
    let prefix = format!("{key}/");
    loop {
        let piece = hub.device_jobs.page(&prefix, None, PIECE);
        hub.store
            .transact(|transaction| {
                for (device, _) in &piece {
                    transaction.delete(&hub.device_jobs, device);
                }
                if piece.len() < PIECE {
                    transaction.delete(&hub.jobs, key);
                }
                Ok::<_, ServiceError>(())
            })
            .await?;
        if piece.len() < PIECE {
            return Ok(());
        }
    }
}
