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
    /// The entry being folded.
    entry: Vec<u8>,
    /// Its first revision.
    first: u64,
    /// How many of its writes are done.
    done: usize,
}

impl Fold {
    /// Folds one piece in a transaction of its own. Returns the length of the journal entry that it finished, if it
    /// did; `meta` says whether there are more.
    pub(super) fn piece(&mut self, connection: &mut Connection, meta: &mut Meta) -> Result<Option<usize>, Fault> {
        let first = meta.folded + 1;
        if self.entry.is_empty() || self.first != first {
            self.entry = fetch(connection, first)?;
            (self.first, self.done) = (first, 0);
        }
        let damaged = |what: &str| Fault::corrupt(format!("journal entry {first}"), what);
        let batch = entry::read(&self.entry, first).map_err(damaged)?;
        let change = connection.transaction()?;
        let mut after = *meta;
        let mut left = PIECE;
        let mut at = 0;
        for written in batch.changes() {
            let (revision, change_bytes) = written.map_err(|error| damaged(&error.to_string()))?;
            for write in writes(change_bytes) {
                let write = write.map_err(|error| damaged(&error.to_string()))?;
                at += 1;
                if at <= self.done {
                    continue;
                }
                if left == 0 || !apply(&change, &mut after, write, revision, &mut left)? {
                    after.write(&change)?;
                    change.commit()?;
                    (*meta, self.done) = (after, at - 1);
                    return Ok(None);
                }
            }
        }
        after.folded += u64::from(batch.count);
        change.prepare_cached("DELETE FROM journal WHERE seq = ?1")?.execute([first.cast_signed()])?;
        after.write(&change)?;
        change.commit()?;
        *meta = after;
        let length = self.entry.len();
        self.entry = Vec::new();
        Ok(Some(length))
    }
}

fn fetch(connection: &Connection, first: u64) -> Result<Vec<u8>, Fault> {
    let mut entries = connection.prepare_cached("SELECT batch FROM journal WHERE seq = ?1")?;
    let entry = entries.query_row([first.cast_signed()], |row| row.get(0)).optional()?;
    entry.ok_or_else(|| Fault::corrupt(format!("journal entry {first}"), "it is missing"))
}

/// Makes one write, taking the rows it touches from `left`; `false` if it has to go on in the next piece.
fn apply(
    connection: &Connection,
    meta: &mut Meta,
    write: Write<'_>,
    revision: u64,
    left: &mut usize,
) -> Result<bool, Fault> {
    match write {
        Write::Put { collection, key, value } => {
            *left -= 1;
            put(connection, meta, Row { collection, key, value, revision })?;
        }
        Write::Delete { collection, key } => {
            *left -= 1;
            if let Some((id, before)) = find(connection, collection, key)? {
                remove(connection, meta, id, before)?;
            }
        }
        Write::Clear { collection } => return clear(connection, meta, collection, left),
    }
    Ok(true)
}

fn put(connection: &Connection, meta: &mut Meta, row: Row<'_>) -> Result<(), Fault> {
    let checksum = row.checksum();
    if let Some((id, before)) = find(connection, row.collection, row.key)? {
        connection
            .prepare_cached("UPDATE state SET value = ?2, revision = ?3, checksum = ?4 WHERE id = ?1")?
            .execute((id, row.value, row.revision.cast_signed(), checksum))?;
        meta.digest = meta.digest.wrapping_sub(before);
    } else {
        connection
            .prepare_cached(
                "INSERT INTO state (collection, key, value, revision, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((row.collection, row.key, row.value, row.revision.cast_signed(), checksum))?;
        meta.records += 1;
    }
    meta.digest = meta.digest.wrapping_add(checksum);
    Ok(())
}

fn clear(connection: &Connection, meta: &mut Meta, collection: &str, left: &mut usize) -> Result<bool, Fault> {
    let rows: Vec<(i64, i64)> = connection
        .prepare_cached("SELECT id, checksum FROM state WHERE collection = ?1 LIMIT ?2")?
        .query_map((collection, i64::try_from(*left).unwrap_or(i64::MAX)), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, before) in &rows {
        remove(connection, meta, *id, *before)?;
    }
    *left -= rows.len();
    Ok(*left > 0)
}

fn find(connection: &Connection, collection: &str, key: &str) -> Result<Option<(i64, i64)>, Fault> {
    let mut found = connection.prepare_cached("SELECT id, checksum FROM state WHERE collection = ?1 AND key = ?2")?;
    Ok(found.query_row((collection, key), |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn remove(connection: &Connection, meta: &mut Meta, id: i64, before: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM state WHERE id = ?1")?.execute([id])?;
    meta.records -= 1;
    meta.digest = meta.digest.wrapping_sub(before);
    Ok(())
}
