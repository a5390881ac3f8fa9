//! Folding: moving journal entries into the table of records, a bounded piece at a time.
//!
//! Used by the SQLite engine between appends. An entry is removed with its last piece; until then a start replays it
//! whole, over whatever part of it is in the table already, which comes to the same records.

use rusqlite::{Connection, OptionalExtension};

use super::entry;
use super::fault::Fault;
use super::row::Row;
use super::schema::Meta;
use crate::engine::Write;
use crate::frame::writes;

/// How many rows one piece touches at most: some tens of milliseconds.
const PIECE: usize = 512;

/// Where folding stands.
#[derive(Debug, Default)]
pub(super) struct Fold {
    /// How many writes of the next entry are done already: those of an entry too large for one piece.
    done: usize,
}

impl Fold {
    /// Folds one piece of the journal, which ends at revision `last`, in a transaction of its own. Returns the length
    /// of the entries that it finished.
    pub(super) fn piece(&mut self, connection: &mut Connection, meta: &mut Meta, last: u64) -> Result<usize, Fault> {
        let change = connection.transaction()?;
        let mut piece = Piece { connection: &change, meta: *meta, left: PIECE };
        let (mut done, mut length) = (self.done, 0);
        while piece.left > 0 && piece.meta.folded < last {
            let entry = piece.fetch()?;
            let reached = piece.fold(&entry, done)?;
            done = reached.unwrap_or(0);
            length += if reached.is_none() { entry.len() } else { 0 };
        }
        let after = piece.meta;
        after.write(&change)?;
        change.commit()?;
        (*meta, self.done) = (after, done);
        Ok(length)
    }
}

/// One piece in the making.
struct Piece<'a> {
    connection: &'a Connection,
    meta: Meta,
    /// How many more rows it may touch.
    left: usize,
}

impl Piece<'_> {
    /// The next entry to fold.
    fn fetch(&self) -> Result<Vec<u8>, Fault> {
        let first = self.meta.folded + 1;
        let mut entries = self.connection.prepare_cached("SELECT batch FROM journal WHERE seq = ?1")?;
        let entry = entries.query_row([first.cast_signed()], |row| row.get(0)).optional()?;
        entry.ok_or_else(|| Fault::corrupt(format!("journal entry {first}"), "it is missing"))
    }

    /// Makes the writes of an entry after the first `done`, and removes it; where the piece ends before, how many
    /// writes are done by then.
    fn fold(&mut self, entry: &[u8], done: usize) -> Result<Option<usize>, Fault> {
        let first = self.meta.folded + 1;
        let damaged = |what: &str| Fault::corrupt(format!("journal entry {first}"), what);
        let batch = entry::read(entry, first).map_err(damaged)?;
        let mut at = 0;
        for change in batch.changes() {
            let (revision, change) = change.map_err(|error| damaged(&error.to_string()))?;
            for write in writes(change) {
                let write = write.map_err(|error| damaged(&error.to_string()))?;
                if at >= done && (self.left == 0 || !self.make(write, revision)?) {
                    return Ok(Some(at));
                }
                at += 1;
            }
        }
        self.connection.prepare_cached("DELETE FROM journal WHERE seq = ?1")?.execute([first.cast_signed()])?;
        self.meta.folded += u64::from(batch.count);
        self.left = self.left.saturating_sub(1);
        Ok(None)
    }

    /// Makes one write; `false` if it has to go on in the next piece.
    fn make(&mut self, write: Write<'_>, revision: u64) -> Result<bool, Fault> {
        match write {
            Write::Put { collection, key, value } => {
                self.left -= 1;
                self.put(&Row { collection, key, value, revision })?;
            }
            Write::Delete { collection, key } => {
                self.left -= 1;
                if let Some((id, before)) = self.find(collection, key)? {
                    self.remove(id, before)?;
                }
            }
            Write::Clear { collection } => return self.clear(collection),
        }
        Ok(true)
    }

    /// Most rows are new where there are many: they are put in at once, and only what is there already is looked for.
    fn put(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        let (revision, checksum) = (row.revision.cast_signed(), row.checksum());
        let insert = "INSERT INTO state (collection, key, value, revision, checksum) VALUES (?1, ?2, ?3, ?4, ?5) \
                      ON CONFLICT (collection, key) DO NOTHING";
        let mut inserting = self.connection.prepare_cached(insert)?;
        if inserting.execute((row.collection, row.key, row.value, revision, checksum))? > 0 {
            self.meta.records += 1;
        } else if let Some((id, before)) = self.find(row.collection, row.key)? {
            let update = "UPDATE state SET value = ?2, revision = ?3, checksum = ?4 WHERE id = ?1";
            self.connection.prepare_cached(update)?.execute((id, row.value, revision, checksum))?;
            self.meta.digest = self.meta.digest.wrapping_sub(before);
        } else {
            return Err(Fault::corrupt("index state_key", "it does not fit its table"));
        }
        self.meta.digest = self.meta.digest.wrapping_add(checksum);
        Ok(())
    }

    fn clear(&mut self, collection: &str) -> Result<bool, Fault> {
        let rows: Vec<(i64, i64)> = self
            .connection
            .prepare_cached("SELECT id, checksum FROM state WHERE collection = ?1 LIMIT ?2")?
            .query_map((collection, i64::try_from(self.left).unwrap_or(i64::MAX)), id_and_checksum)?
            .collect::<Result<_, _>>()?;
        for (id, before) in &rows {
            self.remove(*id, *before)?;
        }
        self.left -= rows.len();
        Ok(self.left > 0)
    }

    fn find(&self, collection: &str, key: &str) -> Result<Option<(i64, i64)>, Fault> {
        let select = "SELECT id, checksum FROM state WHERE collection = ?1 AND key = ?2";
        let mut found = self.connection.prepare_cached(select)?;
        Ok(found.query_row((collection, key), id_and_checksum).optional()?)
    }

    fn remove(&mut self, id: i64, before: i64) -> Result<(), Fault> {
        self.connection.prepare_cached("DELETE FROM state WHERE id = ?1")?.execute([id])?;
        self.meta.records -= 1;
        self.meta.digest = self.meta.digest.wrapping_sub(before);
        Ok(())
    }
}

fn id_and_checksum(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}
