//! The engine of a world that outlives its process: a SQLite database in a directory of its own.
//!
//! Used by [`Store::open`](crate::Store::open). Gathered changes are appended as rows of a journal, one durable SQLite
//! transaction per batch, and folded into a table of records when there is time. A write that a crash cut short is
//! left out and reported; any other damage stops the start. It never repairs, and never writes after a failed write.

mod emptied;
mod entry;
mod fault;
mod fold;
mod row;
mod schema;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use self::emptied::refuse_emptied;
use self::fault::Fault;
use self::fold::Fold;
use self::schema::Meta;
use super::{Batch, Engine, EngineError, SnapshotRecord, Upkeep};
use crate::directory::{Directory, refused};
use crate::{OpenError, TornTail};

/// Below this the journal (bytes) is left alone: it is replayed in no time.
const SMALL_JOURNAL: usize = 64 << 10;

/// Above this the journal (bytes) is folded also while changes wait, which then cost half as much again. A start reads it
/// back in some four seconds; most loads leave a moment in which it is folded long before.
const LARGE_JOURNAL: usize = 512 << 20;

/// After so many pages of 4 KiB the write-ahead file is copied into the database, to begin anew from its front: some
/// tens of milliseconds, during which changes wait.
const CHECKPOINT_PAGES: usize = 8192;

/// The same, when no change waits.
const IDLE_CHECKPOINT_PAGES: usize = 1024;

/// Keeps a directory.
#[derive(Debug)]
pub struct SqliteEngine {
    connection: Connection,
    database: PathBuf,
    meta: Meta,
    fold: Fold,
    last: u64,
    journal_bytes: usize,
    entry: Vec<u8>,
    /// Pages in the write-ahead file, told by SQLite after each commit.
    wal_pages: Arc<AtomicUsize>,
    checkpoint_pages: usize,
    has_torn_tail: bool,
    // Last, so that the directory is let go after the connection is closed.
    _directory: Directory,
}

impl SqliteEngine {
    /// Opens the database in `directory`, which is made if it is not there, and checks that it is whole.
    pub fn open(directory: &Path) -> Result<(Self, Option<TornTail>), OpenError> {
        let held = Directory::take(directory, "state.lock")?;
        refuse_emptied(&held, "state.sqlite")?;
        let database = held.file("state.sqlite")?;
        let torn_tail = inspect_wal(&database)?;
        let wal_pages = Arc::new(AtomicUsize::new(0));
        let prepared = connect(&database, &wal_pages).and_then(|mut connection| {
            let meta = schema::prepare(&mut connection)?;
            Ok((connection, meta))
        });
        let (connection, meta) = prepared.map_err(|fault| fault.at_start(&database))?;
        let engine = Self {
            connection,
            database,
            meta,
            fold: Fold::default(),
            last: meta.folded,
            journal_bytes: 0,
            entry: Vec::new(),
            wal_pages,
            checkpoint_pages: CHECKPOINT_PAGES,
            has_torn_tail: torn_tail.is_some(),
            _directory: held,
        };
        Ok((engine, torn_tail))
    }

    /// The database's path, for what is said of an error.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    fn checkpoint(&mut self, mode: &str) -> Result<(), Fault> {
        self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |_| Ok(()))?;
        self.wal_pages.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// The next write would stand before remains of the torn one, and look like damage to a later start.
    fn cut_torn_tail(&mut self) -> Result<(), Fault> {
        if self.has_torn_tail {
            self.checkpoint("TRUNCATE")?;
            self.has_torn_tail = false;
        }
        Ok(())
    }

    fn append_entry(&mut self, batch: &Batch<'_>) -> Result<(), EngineError> {
        self.cut_torn_tail()?;
        entry::write(&mut self.entry, batch)?;
        let mut insert =
            self.connection.prepare_cached("INSERT INTO journal (seq, batch) VALUES (?1, ?2)").map_err(Fault::from)?;
        insert.execute((batch.first_revision.cast_signed(), &self.entry)).map_err(Fault::from)?;
        Ok(())
    }
}

impl Engine for SqliteEngine {
    fn snapshot(&mut self, visit: &mut dyn FnMut(SnapshotRecord<'_>)) -> Result<u64, EngineError> {
        row::read(&self.connection, &self.meta, visit)?;
        Ok(self.meta.folded)
    }

    fn read_from(&mut self, after: u64, visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, EngineError> {
        if after < self.meta.folded {
            return Err(EngineError::Folded { after, folded: self.meta.folded });
        }
        let (last, journal_bytes) = read_journal(&self.connection, self.meta.folded, after, visit)?;
        (self.last, self.journal_bytes) = (last, journal_bytes);
        Ok(last)
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), EngineError> {
        if batch.first_revision != self.last + 1 {
            return Err(EngineError::OutOfOrder { last: self.last, first: batch.first_revision });
        }
        self.append_entry(batch)?;
        self.last += u64::from(batch.count);
        self.journal_bytes += self.entry.len();
        Ok(())
    }

    fn tend(&mut self, idle: bool) -> Result<Upkeep, EngineError> {
        // Once what is whole was read back, so that the next start has nothing to tell of.
        self.cut_torn_tail()?;
        let limit = if idle { IDLE_CHECKPOINT_PAGES } else { self.checkpoint_pages };
        if self.wal_pages.load(Ordering::Relaxed) >= limit {
            self.checkpoint("PASSIVE")?;
        }
        let is_due = if idle { self.journal_bytes > SMALL_JOURNAL } else { self.journal_bytes > LARGE_JOURNAL };
        if is_due {
            self.journal_bytes -= self.fold.piece(&mut self.connection, &mut self.meta, self.last)?;
        }
        Ok(if self.journal_bytes > SMALL_JOURNAL { Upkeep::More } else { Upkeep::Done })
    }

    fn close(&mut self) -> Result<(), EngineError> {
        self.checkpoint("TRUNCATE").map_err(EngineError::from)
    }
}

#[cfg(test)]
impl SqliteEngine {
    /// Folds at most so many pieces, however small the journal is.
    pub(crate) fn fold_pieces(&mut self, pieces: usize) {
        for _ in 0..pieces {
            if self.meta.folded == self.last {
                return;
            }
            self.journal_bytes -= self.fold.piece(&mut self.connection, &mut self.meta, self.last).unwrap();
        }
    }

    /// Begins the write-ahead file anew after so many pages.
    pub(crate) fn checkpoint_after(&mut self, pages: usize) {
        self.checkpoint_pages = pages;
    }

    /// Lets the disk be full once the database has so many pages.
    pub(crate) fn limit_pages(&self, pages: u32) {
        self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(())).unwrap();
    }
}

fn inspect_wal(database: &Path) -> Result<Option<TornTail>, OpenError> {
    let mut file = database.as_os_str().to_owned();
    file.push("-wal");
    let file = PathBuf::from(file);
    let damaged = |position: String, what: &str| OpenError::Corrupt { file: file.clone(), position, what: what.into() };
    match wal::inspect(&file).map_err(|cause| refused(&file, cause))? {
        wal::Tail::Whole => Ok(None),
        wal::Tail::Torn { position, bytes } => {
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Some(TornTail { file, position, bytes }))
        }
        wal::Tail::Damaged { position } => {
            Err(damaged(format!("byte {position}"), "a write does not verify, and finished ones stand behind it"))
        }
        wal::Tail::DamagedHeader => Err(damaged("byte 0".to_owned(), "the header does not verify")),
    }
}

fn connect(database: &Path, wal_pages: &Arc<AtomicUsize>) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(database, flags)?;
    // A refused start and a failed engine must leave the files as they are.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Exclusive: the index of the write-ahead file then lives in our memory, and no other process can write.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;",
    )?;
    let told = Arc::clone(wal_pages);
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
        told.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(connection)
}

/// Gives every change after revision `after` to `visit`, reading the entries from `folded` on; returns the last
/// revision and the length of the entries.
fn read_journal(
    connection: &Connection,
    folded: u64,
    after: u64,
    visit: &mut dyn FnMut(u64, &[u8]),
) -> Result<(u64, usize), Fault> {
    let mut entries = connection.prepare("SELECT seq, batch FROM journal ORDER BY seq")?;
    let mut rows = entries.query(())?;
    let (mut last, mut length) = (folded, 0);
    while let Some(row) = rows.next()? {
        let first = row.get::<_, i64>(0)?.cast_unsigned();
        let damaged = |what: &str| Fault::corrupt(format!("journal entry {first}"), what);
        if first != last + 1 {
            return Err(damaged(&format!("the entry from revision {} on should stand here", last + 1)));
        }
        let bytes = row.get_ref(1)?.as_blob().map_err(|error| damaged(&error.to_string()))?;
        let batch = entry::read(bytes, first).map_err(damaged)?;
        for change in batch.changes() {
            let (revision, change) = change.map_err(|error| damaged(&error.to_string()))?;
            if revision > after {
                visit(revision, change);
            }
        }
        last += u64::from(batch.count);
        length += bytes.len();
    }
    Ok((last, length))
}
