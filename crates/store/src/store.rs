//! The store itself: opening, tables, changes, copies, closing.
//!
//! Made once by the wiring, and handed to every service. It decides nothing about records; it keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::committer::Committer;
use crate::engine::{Engine, EngineError, MemoryEngine, SqliteEngine, Write, writes};
use crate::frame::Malformed;
use crate::receipt::Receipt;
use crate::registry::{RawRecord, Records, Registry, names};
use crate::thread::apart;
use crate::{Change, OpenError, Record, Recovery, Snapshot, StoreError, Table, Transaction, Unreadable};

/// All that a world remembers; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    committer: Arc<Committer>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// A store that ends with the process.
    #[must_use]
    pub fn memory() -> Self {
        match Self::with_engine(Box::new(MemoryEngine::default())) {
            Ok((store, _)) => store,
            Err(error) => unreachable!("an engine that keeps nothing has nothing to fail on: {error}"),
        }
    }

    /// Opens the store kept in `directory`, which is made if it is not there, and reads all of it back.
    ///
    /// The directory belongs to this process until the store is closed.
    pub fn open(directory: &Path) -> Result<(Self, Recovery), OpenError> {
        let (engine, torn_tail) = SqliteEngine::open(directory)?;
        let database = engine.database().to_owned();
        let opened = Self::with_engine(Box::new(engine));
        let (store, recovery) = opened.map_err(|error| OpenError::from_engine(&database, error))?;
        Ok((store, Recovery { torn_tail, ..recovery }))
    }

    /// A store over another engine; reads all of it back.
    pub fn with_engine(mut engine: Box<dyn Engine>) -> Result<(Self, Recovery), EngineError> {
        let mut replay = Replay::default();
        let folded = engine.snapshot(&mut |record| {
            let value = RawRecord { revision: record.revision, value: record.value.into() };
            replay.collection(record.collection).insert(Arc::from(record.key), value);
        })?;
        let mut malformed = None;
        let last = engine.read_from(folded, &mut |revision, change| {
            if replay.apply(revision, change).is_err() {
                malformed.get_or_insert(revision);
            }
        })?;
        if let Some(revision) = malformed {
            let what = "the log entry cannot be read".to_owned();
            return Err(EngineError::Corrupt { position: format!("revision {revision}"), what });
        }
        let records = replay.0.values().map(BTreeMap::len).sum();
        let (committer, thread) = Committer::start(engine, last)?;
        let inner = Inner { registry: Registry::new(replay.0), committer, thread: Mutex::new(thread) };
        Ok((Self { inner: Arc::new(inner) }, Recovery { records, revision: last, torn_tail: None }))
    }

    /// The table of `T`'s collection; asked twice, the same one.
    ///
    /// The first time, what was read back is decoded. A record that cannot be read as a `T` is logged, listed by
    /// [`Store::unreadable`], and kept as it is.
    ///
    /// # Panics
    /// If another type of record claimed the collection before: a mistake in the program, met at its start.
    pub fn table<T: Record>(&self) -> Table<T> {
        self.inner.registry.table()
    }

    /// The kept records that the tables asked for so far could not read. The wiring refuses to start over one.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.inner.registry.unreadable()
    }

    /// Makes a change: runs `change`, and when it succeeds keeps all its writes together.
    ///
    /// Returns when the writes are durable. An error of the closure changes nothing. The closure runs alone among all
    /// changes of the process and so must not wait for anything; over a distributed engine it may be run again. If the
    /// future is dropped while it waits, the change is made nevertheless.
    pub async fn transact<R, E: From<StoreError>>(
        &self,
        change: impl Fn(&mut Transaction<'_>) -> Result<R, E> + Send,
    ) -> Result<R, E> {
        let (result, receipt) = self.make(change)?;
        if let Some(receipt) = receipt {
            receipt.wait().await?;
        }
        Ok(result)
    }

    /// Tells every change applied from now on, once it is durable, in order. A watcher that falls thousands behind is
    /// told how many it missed.
    pub fn watch(&self) -> broadcast::Receiver<Change> {
        self.inner.committer.watches.add(None, |_| true)
    }

    /// Tells the changes of these collections only, likewise.
    pub fn watch_of(&self, collections: &[&'static str]) -> broadcast::Receiver<Change> {
        self.inner.committer.watches.add(Some(collections), |_| true)
    }

    /// Tells those of them that `concern` the watcher, and those that concern another one; a collection that is cleared or
    /// replaced as a whole concerns everyone.
    ///
    /// `concern` is asked within the change, once the tables hold it: it may read them, must not make a change, and is
    /// quick. A watcher of what is made by the thousand spares itself being woken each time.
    pub fn watch_where(
        &self,
        collections: &[&'static str],
        concern: impl Fn(&Change) -> bool + Send + Sync + 'static,
    ) -> broadcast::Receiver<Change> {
        self.inner.committer.watches.add(Some(collections), concern)
    }

    /// A copy of all records as of one moment, those that nobody asked for included.
    pub fn export(&self) -> Snapshot {
        let frozen: Vec<_> = {
            let _writer = self.inner.committer.writer.lock();
            let collections = self.inner.registry.collections.lock();
            collections.iter().map(|(name, collection)| (Arc::clone(name), collection.freeze())).collect()
        };
        let mut snapshot = Snapshot::default();
        for (name, (raw, typed)) in frozen {
            for (key, record) in raw {
                snapshot.insert(&name, key, record.value);
            }
            for (key, written) in typed.into_iter().flat_map(|thaw| thaw()) {
                match written {
                    Ok(value) => snapshot.insert(&name, key, value.into()),
                    Err(error) => tracing::error!(collection = %name, %key, %error, "a record is not in the copy"),
                }
            }
        }
        snapshot
    }

    /// Makes the collections that `only` chooses what they were in the snapshot: as one change, with a new revision for
    /// every record. A chosen collection that the snapshot does not have is cleared; the others stay as they are.
    pub async fn import(&self, snapshot: Snapshot, only: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        match self.replace(&snapshot, only)? {
            Some(receipt) => receipt.wait().await,
            None => Ok(()),
        }
    }

    /// Removes all records of the collections that `which` chooses, as one change.
    pub async fn clear(&self, which: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        self.import(Snapshot::default(), which).await
    }

    /// Refuses further changes, waits until those that were made are durable, and frees the directory.
    pub async fn close(&self) {
        self.inner.committer.close();
        let thread = self.inner.thread.lock().take();
        if let Some(thread) = thread {
            // The commit thread ends by itself; its panic, if any, was logged where it happened.
            drop(apart(move || thread.join()).await);
        }
    }

    /// The part of a change that does not wait.
    fn make<R, E: From<StoreError>>(
        &self,
        change: impl Fn(&mut Transaction<'_>) -> Result<R, E>,
    ) -> Result<(R, Option<Arc<Receipt>>), E> {
        let committer = &self.inner.committer;
        let mut writer = committer.writer.lock();
        writer.check()?;
        let mut transaction = Transaction::begin(&mut writer, &self.inner.registry.origin);
        let result = change(&mut transaction)?;
        let written = transaction.commit(Some(&committer.watches))?;
        let receipt = if written { committer.dispatch(&mut writer) } else { None };
        Ok((result, receipt))
    }

    fn replace(&self, snapshot: &Snapshot, only: impl Fn(&str) -> bool) -> Result<Option<Arc<Receipt>>, StoreError> {
        let committer = &self.inner.committer;
        let mut writer = committer.writer.lock();
        writer.check()?;
        let mut collections = self.inner.registry.collections.lock();
        let chosen: Vec<_> =
            names(&collections, snapshot.collections.keys()).into_iter().filter(|name| only(name)).collect();
        let nothing = Records::new();
        let mut transaction = Transaction::begin(&mut writer, &self.inner.registry.origin);
        let mut steps = Vec::new();
        for name in &chosen {
            let records = snapshot.collections.get(name).unwrap_or(&nothing);
            transaction.replace(name, records);
            steps.push(collections.entry(Arc::clone(name)).or_default().replace(records)?);
        }
        let revision = transaction.revision();
        if !transaction.commit(None)? {
            return Ok(None);
        }
        for (name, step) in chosen.iter().zip(steps) {
            step(revision);
            let records = snapshot.collections.get(name).unwrap_or(&nothing);
            collections.entry(Arc::clone(name)).or_default().set_raw(records, revision);
            writer.pending.changes.push(Change { collection: name.to_string().into(), key: None, revision });
        }
        Ok(committer.dispatch(&mut writer))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.committer.close();
        if let Some(thread) = self.thread.get_mut().take() {
            drop(thread.join());
        }
    }
}

/// What is read back, collection by collection.
#[derive(Default)]
struct Replay(BTreeMap<Arc<str>, BTreeMap<Arc<str>, RawRecord>>);

impl Replay {
    fn collection(&mut self, name: &str) -> &mut BTreeMap<Arc<str>, RawRecord> {
        if !self.0.contains_key(name) {
            self.0.insert(Arc::from(name), BTreeMap::new());
        }
        match self.0.get_mut(name) {
            Some(collection) => collection,
            None => unreachable!("it was just put there"),
        }
    }

    fn apply(&mut self, revision: u64, change: &[u8]) -> Result<(), Malformed> {
        for write in writes(change) {
            match write? {
                Write::Put { collection, key, value } => {
                    self.collection(collection).insert(Arc::from(key), RawRecord { revision, value: value.into() });
                }
                Write::Delete { collection, key } => drop(self.collection(collection).remove(key)),
                Write::Clear { collection } => self.collection(collection).clear(),
            }
        }
        Ok(())
    }
}
