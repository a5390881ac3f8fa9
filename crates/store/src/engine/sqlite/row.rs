//! Reading the table of records back, and proving that none is missing or changed.
//!
//! Used by the SQLite engine at the start, and for the checksums that folding writes. Each row has a checksum; `meta`
//! has their sum; and the index must name the same rows as the table, or folding would later write beside a record.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::fault::Fault;
use super::schema::Meta;
use crate::engine::SnapshotRecord;

/// A row, without its checksum.
pub(super) struct Row<'a> {
    pub(super) collection: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) revision: u64,
}

impl Row<'_> {
    pub(super) fn checksum(&self) -> i64 {
        let mut hasher = crc32fast::Hasher::new();
        for piece in [self.collection.as_bytes(), self.key.as_bytes(), self.value] {
            hasher.update(&piece.len().to_le_bytes());
            hasher.update(piece);
        }
        hasher.update(&self.revision.to_le_bytes());
        i64::from(hasher.finalize())
    }
}

/// Gives every row to `visit`.
pub(super) fn read(
    connection: &Connection,
    meta: &Meta,
    visit: &mut dyn FnMut(SnapshotRecord<'_>),
) -> Result<(), Fault> {
    let mut scan =
        connection.prepare("SELECT id, collection, key, value, revision, checksum FROM state NOT INDEXED")?;
    let mut rows = scan.query(())?;
    let (mut records, mut digest, mut places) = (0_i64, 0_i64, 0_i64);
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let columns = (row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?, row.get_ref(5)?);
        let (collection, key, value, revision, checksum) = match columns {
            (
                ValueRef::Text(collection),
                ValueRef::Text(key),
                ValueRef::Blob(value),
                ValueRef::Integer(revision),
                ValueRef::Integer(checksum),
            ) => (text(collection, id)?, text(key, id)?, value, revision.cast_unsigned(), checksum),
            _ => return Err(damaged(id, "a column has the wrong type")),
        };
        if (Row { collection, key, value, revision }).checksum() != checksum {
            return Err(damaged(id, "its checksum does not fit"));
        }
        records += 1;
        digest = digest.wrapping_add(checksum);
        places = places.wrapping_add(place(collection.as_bytes(), key.as_bytes(), id));
        visit(SnapshotRecord { collection, key, value, revision });
    }
    if (records, digest) != (meta.records, meta.digest) {
        let what = format!("{} rows should be there, and {records} are, or others", meta.records);
        return Err(Fault::corrupt("table state", what));
    }
    check_index(connection, records, places)
}

/// Reads the index alone: it must have exactly the places that the table has.
fn check_index(connection: &Connection, records: i64, places: i64) -> Result<(), Fault> {
    let mut scan = connection.prepare("SELECT collection, key, id FROM state INDEXED BY state_key ORDER BY 1, 2")?;
    let mut rows = scan.query(())?;
    let mut found = (0_i64, 0_i64);
    while let Some(row) = rows.next()? {
        let (ValueRef::Text(collection), ValueRef::Text(key)) = (row.get_ref(0)?, row.get_ref(1)?) else {
            return Err(Fault::corrupt("index state_key", "a column has the wrong type"));
        };
        found = (found.0 + 1, found.1.wrapping_add(place(collection, key, row.get(2)?)));
    }
    if found == (records, places) {
        Ok(())
    } else {
        Err(Fault::corrupt("index state_key", "it does not fit its table"))
    }
}

fn place(collection: &[u8], key: &[u8], id: i64) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&collection.len().to_le_bytes());
    hasher.update(collection);
    hasher.update(key);
    hasher.update(&id.to_le_bytes());
    i64::from(hasher.finalize())
}

fn text(bytes: &[u8], id: i64) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| damaged(id, "a name is not text"))
}

fn damaged(id: i64, what: &str) -> Fault {
    Fault::corrupt(format!("row {id} of table state"), what)
}
