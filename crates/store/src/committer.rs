//! The order of changes and their way to the engine: one writer lock, one commit thread.
//!
//! Used by the store alone. Transactions line up under the writer lock; the thread takes all that wait at once, has the
//! engine append them, and wakes the waiters. Once an append fails, nothing is ever acknowledged again.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::engine::{Batch, Engine, EngineError, Upkeep};
use crate::receipt::{Promise, Receipt};
use crate::watches::Watches;
use crate::{Change, StoreError};

/// How long no change must have come before the engine is offered an idle moment.
const IDLE: Duration = Duration::from_millis(50);

/// How long, at most, changes gather before they are appended.
const LONGEST_GATHERING: Duration = Duration::from_micros(500);

/// A buffer of gathered changes that grew beyond this (bytes) is given back to the system.
const KEPT_BUFFER: usize = 1 << 20;

/// What the store and the commit thread share.
pub(crate) struct Committer {
    pub(crate) writer: Mutex<Writer>,
    work: Condvar,
    pub(crate) watches: Watches,
}

/// The end of the log, held by one transaction at a time.
pub(crate) struct Writer {
    pub(crate) pending: Pending,
    standing: Standing,
    immediate: Option<Box<dyn Engine>>,
    spare: Vec<u8>,
    /// How many gathered changes the commit thread sleeps for.
    awaited: u32,
}

/// How the last append went.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    count: u32,
    took: Duration,
}

/// Changes that are applied and wait to be appended.
pub(crate) struct Pending {
    first_revision: u64,
    count: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) changes: Vec<Change>,
    receipt: Promise,
}

enum Standing {
    Open,
    Closed,
    Failed(Arc<EngineError>),
}

impl Committer {
    /// Takes an engine whose last change has revision `last`, and starts its commit thread if it needs one.
    pub(crate) fn start(
        engine: Box<dyn Engine>,
        last: u64,
    ) -> Result<(Arc<Self>, Option<JoinHandle<()>>), EngineError> {
        let immediate = engine.is_immediate();
        let (immediate, queued) = if immediate { (Some(engine), None) } else { (None, Some(engine)) };
        let committer = Arc::new(Self {
            writer: Mutex::new(Writer {
                pending: Pending::after(last),
                standing: Standing::Open,
                immediate,
                spare: Vec::new(),
                awaited: 1,
            }),
            work: Condvar::new(),
            watches: Watches::default(),
        });
        let thread = match queued {
            None => None,
            Some(engine) => {
                let shared = Arc::clone(&committer);
                let thread = thread::Builder::new().name("store-commit".to_owned());
                Some(thread.spawn(move || shared.run(engine)).map_err(|error| EngineError::Io(error.into()))?)
            }
        };
        Ok((committer, thread))
    }

    /// Lets a change that was just enlisted go its way; the receipt tells when it is durable, `None` that it is.
    pub(crate) fn dispatch(&self, writer: &mut Writer) -> Option<Arc<Receipt>> {
        if writer.immediate.is_some() {
            self.watches.tell(writer.pending.restart());
            return None;
        }
        if writer.pending.count == writer.awaited {
            self.work.notify_one();
        }
        Some(writer.pending.receipt.receipt())
    }

    /// Refuses all further changes; the thread ends once those that wait are appended.
    pub(crate) fn close(&self) {
        let mut writer = self.writer.lock();
        if matches!(writer.standing, Standing::Open) {
            writer.standing = Standing::Closed;
        }
        self.work.notify_one();
    }

    fn run(&self, mut engine: Box<dyn Engine>) {
        let _guard = PanicGuard(self);
        let mut pace = Pace::default();
        while let Some(batch) = self.next_batch(&mut *engine, pace) {
            let start = Instant::now();
            let outcome = batch.append_to(&mut *engine);
            pace = Pace { count: batch.count, took: start.elapsed() };
            self.settle(batch, outcome);
            if self.has_failed() {
                return;
            }
            if let Err(error) = engine.tend(false) {
                self.give_up(error);
                return;
            }
        }
        if self.has_failed() {
            return;
        }
        if let Err(error) = engine.close() {
            tracing::error!(%error, "the store could not be closed in good order; what was acknowledged is kept");
        }
    }

    /// Waits for changes, using long pauses for upkeep; `None` when the store was closed and all is appended.
    fn next_batch(&self, engine: &mut dyn Engine, pace: Pace) -> Option<Pending> {
        let mut upkeep = Upkeep::More;
        let mut writer = self.writer.lock();
        self.gather(&mut writer, pace);
        loop {
            if writer.pending.count > 0 {
                return Some(writer.take());
            }
            if !matches!(writer.standing, Standing::Open) {
                return None;
            }
            if upkeep == Upkeep::Done {
                self.work.wait(&mut writer);
                continue;
            }
            if self.work.wait_for(&mut writer, IDLE).timed_out() && writer.pending.count == 0 {
                drop(writer);
                upkeep = match engine.tend(true) {
                    Ok(upkeep) => upkeep,
                    Err(error) => {
                        self.give_up(error);
                        return None;
                    }
                };
                writer = self.writer.lock();
            }
        }
    }

    /// Gives the writers that were just woken a moment to come back with their next change: without it, appends of a
    /// few changes and of all the others take turns, and each costs a sync of the disk.
    fn gather(&self, writer: &mut MutexGuard<'_, Writer>, pace: Pace) {
        if pace.count < 2 {
            return;
        }
        let until = Instant::now() + (pace.took / 4).min(LONGEST_GATHERING);
        writer.awaited = pace.count;
        while writer.pending.count < pace.count && matches!(writer.standing, Standing::Open) {
            if self.work.wait_until(writer, until).timed_out() {
                break;
            }
        }
        writer.awaited = 1;
    }

    fn settle(&self, batch: Pending, outcome: Result<(), EngineError>) {
        match outcome {
            Ok(()) => {
                self.watches.tell(batch.changes);
                batch.receipt.complete(Ok(()));
                self.writer.lock().give_back(batch.bytes);
            }
            Err(error) => {
                let error = self.give_up(error);
                batch.receipt.complete(Err(error));
            }
        }
    }

    /// The one place where the store stops for ever; says so once.
    fn give_up(&self, error: EngineError) -> StoreError {
        let error = Arc::new(error);
        tracing::error!(%error, "the log could not be written: no change is acknowledged until a new start");
        let mut writer = self.writer.lock();
        writer.standing = Standing::Failed(Arc::clone(&error));
        let stranded = writer.take();
        drop(writer);
        stranded.receipt.complete(Err(StoreError::Failed(Arc::clone(&error))));
        StoreError::Failed(error)
    }

    fn has_failed(&self) -> bool {
        matches!(self.writer.lock().standing, Standing::Failed(_))
    }
}

/// Stops the store if a bug in an engine ends the commit thread.
struct PanicGuard<'a>(&'a Committer);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.give_up(EngineError::Io("the commit thread panicked".into()));
        }
    }
}

impl Writer {
    /// An error if the store takes no more changes.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &self.standing {
            Standing::Open => Ok(()),
            Standing::Closed => Err(StoreError::Closed),
            Standing::Failed(error) => Err(StoreError::Failed(Arc::clone(error))),
        }
    }

    pub(crate) fn next_revision(&self) -> u64 {
        self.pending.first_revision + u64::from(self.pending.count)
    }

    /// Counts the change whose bytes were just completed. An immediate engine has it now; if it fails, the change is
    /// not made and the store stops.
    pub(crate) fn enlist(&mut self) -> Result<(), StoreError> {
        self.pending.count += 1;
        let Some(engine) = &mut self.immediate else { return Ok(()) };
        self.pending.append_to(&mut **engine).map_err(|error| {
            let error = Arc::new(error);
            tracing::error!(%error, "the log could not be written: no change is acknowledged until a new start");
            self.pending.count -= 1;
            self.standing = Standing::Failed(Arc::clone(&error));
            StoreError::Failed(error)
        })
    }

    /// Takes what was gathered, and starts to gather anew.
    fn take(&mut self) -> Pending {
        let mut next = Pending::after(self.next_revision() - 1);
        next.bytes = std::mem::take(&mut self.spare);
        std::mem::replace(&mut self.pending, next)
    }

    /// Keeps the buffer of an appended batch for the next one.
    fn give_back(&mut self, mut bytes: Vec<u8>) {
        if bytes.capacity() <= KEPT_BUFFER {
            bytes.clear();
            self.spare = bytes;
        }
    }
}

impl Pending {
    fn after(last: u64) -> Self {
        Self { first_revision: last + 1, count: 0, bytes: Vec::new(), changes: Vec::new(), receipt: Promise::default() }
    }

    /// Goes on after changes that an immediate engine has; gives back what is to be told of them.
    fn restart(&mut self) -> Vec<Change> {
        self.first_revision += u64::from(self.count);
        self.count = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BUFFER);
        std::mem::take(&mut self.changes)
    }

    fn append_to(&self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        engine.append(&Batch { first_revision: self.first_revision, count: self.count, bytes: &self.bytes })
    }
}
