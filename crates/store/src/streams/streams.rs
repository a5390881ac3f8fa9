//! All streams of a world: opening, finding, copying, closing.
//!
//! Made once by the wiring. It gives out streams by name and looks into none.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::journal::Journal;
use super::limits::MOST_PARTITIONS;
use super::log::{Home, Log, Walked, names};
use super::partition::Partition;
use super::shared::Shared;
use super::state::State;
use super::{Limits, Position, Stream, StreamsRecovery, StreamsSnapshot};
use crate::directory::{Directory, make, refused};
use crate::engine::EngineError;
use crate::thread::apart;
use crate::{OpenError, StoreError};

/// The folder of the data directory that the streams are in.
const FOLDER: &str = "streams";

/// The streams of a world; cheap to clone. When the last clone goes, all of them are closed.
#[derive(Clone)]
pub struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Limits,
    table: Mutex<Table>,
    /// Whoever removes a stream, or concerns all of them, has the turn: a stream is closed a while before it is gone.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Table {
    streams: BTreeMap<String, Arc<Stream>>,
    /// Let go when the streams are closed; `None` from the start without one.
    directory: Option<Arc<Directory>>,
    is_closed: bool,
}

impl Streams {
    /// Streams that end with the process.
    #[must_use]
    pub fn memory(limits: Limits) -> Self {
        Self { inner: Arc::new(Inner { limits, table: Mutex::default(), turn: tokio::sync::Mutex::default() }) }
    }

    /// Opens the streams kept in the folder `streams` of a data directory, which are made if they are not there, and
    /// walks through all of them.
    ///
    /// The folder belongs to this process until the streams are closed. It reads everything once: some hundreds of
    /// megabytes a second.
    pub fn open(directory: &Path, limits: Limits) -> Result<(Self, StreamsRecovery), OpenError> {
        make(directory).map_err(|cause| refused(directory, cause))?;
        let path = directory.join(FOLDER);
        let held = Arc::new(Directory::take(&path, "streams.lock")?);
        let (mut recovery, mut table) = (StreamsRecovery::default(), Table::default());
        for name in names(&path).map_err(|cause| refused(&path, cause))? {
            // The name was read from a folder's, so it has one.
            let Ok(home) = Home::of(&held, &name) else { continue };
            let Walked { log, records, torn_tail } = Walked::through(home, limits.segment_bytes)?;
            if log.is_unwritten() {
                continue;
            }
            recovery.streams += 1;
            recovery.records += records;
            recovery.torn_tails.extend(torn_tail);
            let stream = opened(&name, log, limits);
            table.streams.insert(name, Arc::new(stream));
        }
        table.directory = Some(held);
        let inner = Inner { limits, table: Mutex::new(table), turn: tokio::sync::Mutex::default() };
        Ok((Self { inner: Arc::new(inner) }, recovery))
    }

    /// The stream of a name, made if it is not there; asked twice, the same one. If it has fewer partitions, it gets
    /// so many; if it has more, it keeps them.
    ///
    /// Nothing is on the disk of a stream until its first record is.
    ///
    /// # Errors
    /// If the streams are closed, or a stream cannot have this name or number of partitions.
    pub fn stream(&self, name: &str, partitions: u32) -> Result<Arc<Stream>, StoreError> {
        if !(1..=MOST_PARTITIONS).contains(&partitions) {
            let why = "its number of partitions is out of range";
            return Err(StoreError::UnusableStream { stream: name.to_owned(), why });
        }
        let mut table = self.inner.table.lock();
        if table.is_closed {
            return Err(StoreError::Closed);
        }
        if !table.streams.contains_key(name) {
            let stream = made(name, table.directory.as_ref(), self.inner.limits)?;
            table.streams.insert(name.to_owned(), Arc::new(stream));
        }
        let stream = table.streams.get(name).cloned().ok_or(StoreError::Closed)?;
        stream.grow(partitions);
        Ok(stream)
    }

    /// Whether what is appended is there for the next process, as far as these streams are not closed.
    pub fn outlive_process(&self) -> bool {
        self.inner.table.lock().directory.is_some()
    }

    /// The names of all streams, in order: those that were asked for, and those with something on the disk.
    pub fn names(&self) -> Vec<String> {
        self.inner.table.lock().streams.keys().cloned().collect()
    }

    /// Closes a stream and removes all that is kept of it. Asked for again afterwards, it begins at the front; who still
    /// holds the old one finds it closed.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let _turn = self.inner.turn.lock().await;
        let (stream, directory) = {
            let table = self.inner.table.lock();
            let Some(stream) = table.streams.get(name) else { return Ok(()) };
            (Arc::clone(stream), table.directory.clone())
        };
        stream.close().await;
        if let Some(directory) = directory {
            let home = Home::of(&directory, name)?;
            let removed = apart(move || home.remove()).await.flatten();
            removed.map_err(|error| StoreError::Failed(Arc::new(EngineError::Io(error.into()))))?;
        }
        self.inner.table.lock().streams.remove(name);
        Ok(())
    }

    /// Drops the records of all streams. Their numbers and offsets go on.
    pub async fn clear(&self) -> Result<(), StoreError> {
        let _turn = self.inner.turn.lock().await;
        for stream in self.all() {
            stream.clear().await?;
        }
        Ok(())
    }

    /// A copy of all streams with their newest records: all of them if they have at most so many bytes, headers of 20
    /// bytes included, else of every partition the same part. Each partition is copied as of some moment of its own.
    pub async fn export(&self, most_bytes: u64) -> Result<StreamsSnapshot, StoreError> {
        let _turn = self.inner.turn.lock().await;
        let mut parts = Vec::new();
        for stream in self.all() {
            for partition in 0..stream.partitions() {
                let bounds = stream.bounds(partition)?;
                let first = stream.read(partition, Position::Earliest, 1, 0).await?;
                let from = first.first().map(|record| record.offset);
                parts.push((Arc::clone(&stream), partition, from, stream.next_offset(partition)?, bounds));
            }
        }
        let total: u64 = parts.iter().map(|(_, _, from, to, _)| from.map_or(0, |from| to - from)).sum();
        let mut snapshot = StreamsSnapshot::default();
        for (stream, partition, from, to, bounds) in parts {
            let position = match from {
                None => Position::Sequence(bounds.next_sequence),
                Some(_) if total <= most_bytes => Position::Earliest,
                Some(from) => Position::Offset(to - share(to - from, most_bytes, total)),
            };
            let copy = stream.copy(partition, position).await?;
            snapshot.streams.entry(stream.name().to_owned()).or_default().push(copy);
        }
        Ok(snapshot)
    }

    /// Makes all streams what they were in a copy, with the numbers and offsets of then; those that the copy does not
    /// have are cleared. Each stream is replaced whole or not at all.
    pub async fn import(&self, snapshot: StreamsSnapshot) -> Result<(), StoreError> {
        let _turn = self.inner.turn.lock().await;
        for stream in self.all() {
            if !snapshot.streams.contains_key(stream.name()) {
                stream.clear().await?;
            }
        }
        for (name, partitions) in snapshot.streams {
            let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
            self.stream(&name, count)?.replace(partitions).await?;
        }
        Ok(())
    }

    /// Takes no more records, waits until those that were taken are on the disk, and frees the folder.
    pub async fn close(&self) {
        self.inner.table.lock().is_closed = true;
        for stream in self.all() {
            stream.close().await;
        }
        self.inner.table.lock().directory = None;
    }

    fn all(&self) -> Vec<Arc<Stream>> {
        self.inner.table.lock().streams.values().cloned().collect()
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Streams").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for stream in self.table.get_mut().streams.values() {
            let (log, thread) = stream.shut();
            drop(log);
            if let Some(thread) = thread {
                drop(thread.join());
            }
        }
    }
}

/// The part of `most` that falls to `bytes` of `total`.
fn share(bytes: u64, most: u64, total: u64) -> u64 {
    let part = u128::from(bytes) * u128::from(most) / u128::from(total.max(1));
    u64::try_from(part).unwrap_or(u64::MAX).min(bytes)
}

fn made(name: &str, directory: Option<&Arc<Directory>>, limits: Limits) -> Result<Stream, StoreError> {
    let Some(directory) = directory else { return Ok(new(name, limits, State::new(Vec::new(), None))) };
    Ok(opened(name, Log::empty(Home::of(directory, name)?, limits.segment_bytes), limits))
}

fn opened(name: &str, log: Log, limits: Limits) -> Stream {
    let firsts = log.index().read().firsts();
    let partition = |(at, head): (usize, &_)| Partition::at(*head, firsts.get(at).copied().unwrap_or(0));
    let partitions = log.heads().iter().enumerate().map(partition).collect();
    new(name, limits, State::new(partitions, Some(Journal::new(log))))
}

fn new(name: &str, limits: Limits, state: State) -> Stream {
    let shared = Shared { name: name.to_owned(), limits, state: Mutex::new(state), work: Condvar::new() };
    Stream { shared: Arc::new(shared) }
}
