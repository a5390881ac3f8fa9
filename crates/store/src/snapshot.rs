//! A copy of a whole world, to be put back later.
//!
//! Made by [`Store::export`](crate::Store::export) for the control API's snapshots, put back by
//! [`Store::import`](crate::Store::import). As bytes it carries a checksum, so that a damaged copy is refused whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Record;
use crate::frame::{Reader, text};
use crate::registry::Records;

const MAGIC: &[u8; 8] = b"iolitesn";
const FORMAT: u32 = 1;

/// The records of a store at one moment, by collection and key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) collections: BTreeMap<Arc<str>, Records>,
}

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They begin with something else.
    #[error("this is not a snapshot")]
    NotASnapshot,
    /// They were written by a newer version.
    #[error("the snapshot has format {found}, and this version reads up to {FORMAT}")]
    NewerFormat {
        /// The format found.
        found: u32,
    },
    /// They are cut or changed.
    #[error("the snapshot is damaged")]
    Damaged,
}

impl Snapshot {
    /// How many records there are.
    pub fn records(&self) -> usize {
        self.collections.values().map(BTreeMap::len).sum()
    }

    /// The collections, in order of their names.
    pub fn collections(&self) -> impl Iterator<Item = &str> {
        self.collections.keys().map(|name| &**name)
    }

    /// The record under a key of `T`'s collection, read without putting the copy back; `None` also where it cannot be read.
    #[must_use]
    pub fn record<T: Record>(&self, key: &str) -> Option<T> {
        serde_json::from_slice(self.collections.get(T::COLLECTION)?.get(key)?).ok()
    }

    /// The snapshot as bytes of our own format.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(*MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        for (collection, records) in &self.collections {
            for (key, value) in records {
                text(&mut bytes, collection.as_bytes());
                text(&mut bytes, key.as_bytes());
                text(&mut bytes, value);
            }
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`Snapshot::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut rest = Reader(bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?);
        let format = rest.number().ok_or(SnapshotError::Damaged)?;
        if format > FORMAT {
            return Err(SnapshotError::NewerFormat { found: format });
        }
        let (content, checksum) = bytes.split_last_chunk::<4>().ok_or(SnapshotError::Damaged)?;
        if u32::from_le_bytes(*checksum) != crc32fast::hash(content) {
            return Err(SnapshotError::Damaged);
        }
        rest.0 = content.get(MAGIC.len() + 4..).ok_or(SnapshotError::Damaged)?;
        let mut snapshot = Self::default();
        while !rest.0.is_empty() {
            let record = (rest.string(), rest.string(), rest.bytes());
            let (Some(collection), Some(key), Some(value)) = record else { return Err(SnapshotError::Damaged) };
            snapshot.insert(collection, Arc::from(key), value.into());
        }
        Ok(snapshot)
    }

    pub(crate) fn insert(&mut self, collection: &str, key: Arc<str>, value: Box<[u8]>) {
        match self.collections.get_mut(collection) {
            Some(records) => drop(records.insert(key, value)),
            None => drop(self.collections.insert(Arc::from(collection), Records::from([(key, value)]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.insert("devices", Arc::from("hub/a"), br#"{"a":1}"#[..].into());
        snapshot.insert("devices", Arc::from("hub/b"), b"2"[..].into());
        snapshot.insert("twins", Arc::from("hub/a"), b"3"[..].into());
        snapshot
    }

    #[test]
    fn a_snapshot_survives_as_bytes() {
        assert_eq!(Snapshot::from_bytes(&snapshot().to_bytes()), Ok(snapshot()));
        assert_eq!(snapshot().records(), 3);
    }

    #[test]
    fn one_record_of_a_copy_is_read_by_its_collection_and_key() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Number(u32);

        impl Record for Number {
            const COLLECTION: &'static str = "devices";
        }

        let record = |key: &str| snapshot().record::<Number>(key).map(|found| found.0);
        assert_eq!((record("hub/b"), record("hub/a"), record("hub/c")), (Some(2), None, None));
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unseen() {
        let bytes = snapshot().to_bytes();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            assert!(Snapshot::from_bytes(&flipped).is_err(), "flipped at {at}");
            assert!(Snapshot::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let mut bytes = snapshot().to_bytes();
        bytes[8] = 2;
        assert_eq!(Snapshot::from_bytes(&bytes), Err(SnapshotError::NewerFormat { found: 2 }));
    }
}
