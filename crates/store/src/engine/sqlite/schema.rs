//! The tables of a store's database, and whether they are what they should be.
//!
//! Used by the SQLite engine when it opens. A user can open the file with `sqlite3`; only the engine writes it.
//!
//! - `meta`, one row: the format, up to which revision the journal is folded into `state`, and how many rows of which
//!   sum `state` has, so that no row can be lost unseen.
//! - `journal`: the gathered changes that are not folded yet, each entry under its first revision.
//! - `state`: a row for each record.

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;

/// The newest format that this version reads.
pub(super) const FORMAT: i64 = 1;

/// Marks the file as ours ("Iolt").
const APPLICATION_ID: i64 = 0x496f_6c74;

const TABLES: [&str; 4] = [
    "CREATE TABLE meta (format INTEGER NOT NULL, folded INTEGER NOT NULL, records INTEGER NOT NULL, \
     digest INTEGER NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE TABLE journal (seq INTEGER PRIMARY KEY, batch BLOB NOT NULL)",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, \
     revision INTEGER NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE UNIQUE INDEX state_key ON state (collection, key)",
];

/// What the one row of `meta` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    /// Changes up to this revision are in `state`.
    pub(super) folded: u64,
    /// How many rows `state` has.
    pub(super) records: i64,
    /// The sum of the rows' checksums.
    pub(super) digest: i64,
}

impl Meta {
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let folded = self.folded.cast_signed();
        let mut update = connection
            .prepare_cached("UPDATE meta SET format = ?1, folded = ?2, records = ?3, digest = ?4, checksum = ?5")?;
        update.execute((FORMAT, folded, self.records, self.digest, self.checksum(FORMAT)))?;
        Ok(())
    }

    fn checksum(&self, format: i64) -> i64 {
        let mut hasher = crc32fast::Hasher::new();
        for number in [format, self.folded.cast_signed(), self.records, self.digest] {
            hasher.update(&number.to_le_bytes());
        }
        i64::from(hasher.finalize())
    }
}

/// Makes the tables in an empty database, or checks those that are there.
pub(super) fn prepare(connection: &mut Connection) -> Result<Meta, Fault> {
    let application: i64 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if application == 0 && objects == 0 {
        return create(connection);
    }
    if application != APPLICATION_ID {
        return Err(Fault::corrupt("the header", "this is not a store of iolite"));
    }
    // The format comes first: a newer one may have other tables.
    let format = format(connection)?;
    if format > FORMAT {
        return Err(Fault::NewerFormat { found: format.cast_unsigned() });
    }
    let mut tables = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY rowid")?;
    let found: Vec<String> = tables.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    if found != TABLES {
        return Err(Fault::corrupt("the schema", "the tables are not those of a store"));
    }
    check_pages(connection)?;
    read_meta(connection)
}

fn create(connection: &mut Connection) -> Result<Meta, Fault> {
    let meta = Meta { folded: 0, records: 0, digest: 0 };
    let change = connection.transaction()?;
    for table in TABLES {
        change.execute(table, ())?;
    }
    change.execute("INSERT INTO meta VALUES (?1, 0, 0, 0, 0)", [FORMAT])?;
    meta.write(&change)?;
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.commit()?;
    Ok(meta)
}

fn format(connection: &Connection) -> Result<i64, Fault> {
    let format = connection.query_row("SELECT format FROM meta", (), |row| row.get(0)).optional()?;
    format.ok_or_else(|| Fault::corrupt("table meta", "its row is missing"))
}

fn read_meta(connection: &Connection) -> Result<Meta, Fault> {
    let row = |row: &rusqlite::Row<'_>| {
        let folded = row.get::<_, i64>(1)?.cast_unsigned();
        Ok((row.get::<_, i64>(0)?, Meta { folded, records: row.get(2)?, digest: row.get(3)? }, row.get::<_, i64>(4)?))
    };
    let columns = "SELECT format, folded, records, digest, checksum FROM meta";
    let rows: Vec<_> = connection.prepare(columns)?.query_map((), row)?.collect::<Result<_, _>>()?;
    match rows[..] {
        [(format, meta, checksum)] if meta.checksum(format) == checksum => Ok(meta),
        _ => Err(Fault::corrupt("table meta", "its checksum does not fit")),
    }
}

/// Has SQLite walk all its pages.
fn check_pages(connection: &Connection) -> Result<(), Fault> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Fault::corrupt("a page", verdict.trim())) }
}
