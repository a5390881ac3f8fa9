//! The commit thread of a stream: gathers what waits, writes it, lets it be seen, wakes the waiters.
//!
//! Started by the first append, and again after a rest. Once a write fails, nothing is ever acknowledged again. It never
//! holds the stream's lock over a write.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

use super::journal::{Journal, Task, Work};
use super::log::Log;
use super::shared::Shared;
use super::snapshot::{self, PartitionCopy};
use super::state::{Standing, State};
use crate::StoreError;
use crate::engine::EngineError;
use crate::thread::start;

/// After so long without work the thread ends, until the next append.
const REST_AFTER: Duration = Duration::from_secs(5);

/// How long, at most, records gather before they are written.
const LONGEST_GATHERING: Duration = Duration::from_micros(500);

/// How the last write went.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    count: u32,
    took: Duration,
}

/// The thread's own.
struct Commit {
    shared: Arc<Shared>,
    log: Option<Box<Log>>,
    pace: Pace,
}

/// Sees that a thread has the log, before something is left for it. Where none can be had, the log goes on resting.
pub(super) fn attend(shared: &Arc<Shared>, state: &mut State) -> Result<(), StoreError> {
    let Some(journal) = &mut state.journal else { return Ok(()) };
    let Some(log) = journal.resting.take() else { return Ok(()) };
    let thread = {
        let shared = Arc::clone(shared);
        start("stream-commit", log, |log| Commit { shared, log: Some(log), pace: Pace::default() }.run())
    };
    match thread {
        Ok(thread) => {
            journal.thread = Some(thread);
            Ok(())
        }
        Err((log, cause)) => {
            journal.resting = Some(log);
            Err(StoreError::NoThread { stream: shared.name.clone(), cause: Arc::new(cause) })
        }
    }
}

/// Wakes the thread, when something was left for it.
pub(super) fn wake(shared: &Shared, state: &State) {
    if let Some(journal) = &state.journal
        && (journal.waiting.count == journal.awaited || !journal.waiting.tasks.is_empty())
    {
        shared.work.notify_one();
    }
}

impl Commit {
    fn run(mut self) {
        while let Some(mut work) = self.next() {
            let Some(log) = &mut self.log else { return };
            if let Err(error) = perform(&self.shared, log, &mut work, &mut self.pace) {
                // First the end, then its telling: who is told and tries again is refused.
                let error = give_up(&self.shared, &mut self.shared.state.lock(), error);
                work.refuse(&error);
                return;
            }
        }
    }

    /// Waits for work; `None` when the stream is closed and all is written, or nothing came for long.
    fn next(&mut self) -> Option<Work> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock();
        self.gather(&mut state);
        loop {
            if let Some(work) = state.journal.as_mut()?.take() {
                return Some(work);
            }
            if state.standing.is_over() {
                return None;
            }
            if shared.work.wait_for(&mut state, REST_AFTER).timed_out() && self.rest(&mut state) {
                return None;
            }
        }
    }

    /// Lets the log rest beside the state, unless there is work again.
    fn rest(&mut self, state: &mut MutexGuard<'_, State>) -> bool {
        let Some(log) = &mut self.log else { return true };
        let outcome = MutexGuard::unlocked(state, || log.rest());
        if let Err(error) = outcome {
            give_up(&self.shared, state, error);
            return true;
        }
        let Some(journal) = &mut state.journal else { return true };
        let is_idle = journal.waiting.count == 0 && journal.waiting.tasks.is_empty();
        if is_idle {
            journal.rest(self.log.take());
        }
        is_idle
    }

    /// Gives the appenders that were just woken a moment to come back with their next records: without it, writes of a
    /// few records and of all the others take turns, and each costs a sync of the disk.
    fn gather(&self, state: &mut MutexGuard<'_, State>) {
        if self.pace.count < 2 {
            return;
        }
        let until = Instant::now() + (self.pace.took / 4).min(LONGEST_GATHERING);
        loop {
            let is_open = matches!(state.standing, Standing::Open);
            let Some(journal) = &mut state.journal else { return };
            journal.awaited = self.pace.count;
            let is_enough = journal.waiting.count >= journal.awaited || !journal.waiting.tasks.is_empty();
            if is_enough || !is_open || self.shared.work.wait_until(state, until).timed_out() {
                break;
            }
        }
        if let Some(journal) = &mut state.journal {
            journal.awaited = 1;
        }
    }
}

/// A bug that ends the thread must not leave anybody waiting.
impl Drop for Commit {
    fn drop(&mut self) {
        if thread::panicking() {
            let error = EngineError::Io("the commit thread panicked".into());
            give_up(&self.shared, &mut self.shared.state.lock(), error);
        }
    }
}

/// Writes the records, then sees to the tasks.
fn perform(shared: &Shared, log: &mut Log, work: &mut Work, pace: &mut Pace) -> Result<(), EngineError> {
    let start = Instant::now();
    if !work.frames.is_empty() {
        log.append(&mut work.frames)?;
        *pace = Pace { count: work.count, took: start.elapsed() };
        settle(shared, log, work);
    }
    for (task, promise) in &mut work.tasks {
        see_to(shared, log, task)?;
        promise.complete(Ok(()));
    }
    keep_bounds(shared, log)
}

/// Lets what is on the disk be seen.
fn settle(shared: &Shared, log: &Log, work: &mut Work) {
    let mut gone = Vec::new();
    {
        let mut state = shared.state.lock();
        show(&mut state, log);
        state.shed(&shared.limits, &mut gone);
        if let (Some(journal), Some(frame)) = (&mut state.journal, work.frames.pop()) {
            journal.give_back(frame);
        }
    }
    work.promise.complete(Ok(()));
}

fn show(state: &mut State, log: &Log) {
    for (partition, head) in state.partitions.iter_mut().zip(log.heads()) {
        if partition.readable.sequence != head.sequence {
            partition.show(*head);
        }
    }
}

fn see_to(shared: &Shared, log: &mut Log, task: &mut Task) -> Result<(), EngineError> {
    match task {
        Task::Clear => {
            log.clear()?;
            let firsts: Vec<u64> = log.heads().iter().map(|head| head.sequence).collect();
            raise_floors(shared, &firsts);
            Ok(())
        }
        Task::Expire(cutoff) => {
            let firsts = log.firsts_since(*cutoff, &floors(shared))?;
            raise_floors(shared, &firsts);
            log.drop_before(&firsts)
        }
        Task::Replace(partitions) => replace(shared, log, &std::mem::take(partitions)),
    }
}

fn replace(shared: &Shared, log: &mut Log, partitions: &[PartitionCopy]) -> Result<(), EngineError> {
    let mut heads: Vec<_> = partitions.iter().map(PartitionCopy::first).collect();
    // A partition that the copy does not know begins at its first record.
    heads.resize(heads.len().max(log.heads().len()), super::head::Head::default());
    let mut frames = snapshot::frames(partitions);
    log.replace(heads.clone(), &mut frames)?;
    let mut state = shared.state.lock();
    state.restart(&heads);
    for (partition, head) in state.partitions.iter_mut().zip(log.heads()) {
        partition.head = *head;
        partition.show(*head);
    }
    if matches!(state.standing, Standing::Replacing) {
        state.standing = Standing::Open;
    }
    Ok(())
}

/// Applies what bounds the stream by age and by size.
fn keep_bounds(shared: &Shared, log: &mut Log) -> Result<(), EngineError> {
    let cutoff = shared.state.lock().cutoff_due();
    if let Some(cutoff) = cutoff {
        see_to(shared, log, &mut Task::Expire(cutoff))?;
    }
    if let Some(most) = shared.limits.disk_bytes
        && let Some(firsts) = log.shrink(most)?
    {
        raise_floors(shared, &firsts);
    }
    Ok(())
}

fn floors(shared: &Shared) -> Vec<u64> {
    shared.state.lock().partitions.iter().map(|partition| partition.floor).collect()
}

fn raise_floors(shared: &Shared, firsts: &[u64]) {
    let mut gone = Vec::new();
    let mut state = shared.state.lock();
    for (partition, first) in state.partitions.iter_mut().zip(firsts) {
        partition.raise_floor(*first, &mut gone);
    }
    state.discount(&gone);
    drop(state);
}

/// The one place where a stream stops for ever; says so once.
fn give_up(shared: &Shared, state: &mut State, error: EngineError) -> StoreError {
    let error = Arc::new(error);
    tracing::error!(stream = %shared.name, %error, "the stream could not be written: nothing is acknowledged until a new start");
    state.standing = Standing::Failed(Arc::clone(&error));
    let error = StoreError::Failed(error);
    if let Some(work) = state.journal.as_mut().and_then(Journal::take) {
        work.refuse(&error);
    }
    state.wake_readers();
    error
}
