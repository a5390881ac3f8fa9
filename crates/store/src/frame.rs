//! The bytes of a change: what the log carries and every engine keeps as it is.
//!
//! Written by [`Transaction`](crate::Transaction), read at start-up and by an engine's folding. A change is a row of
//! writes; each is a kind byte and length-prefixed strings (32-bit little-endian lengths), the value being JSON text.
//! Checksums are not here: they are the business of whoever keeps the bytes.

/// The longest change, in bytes. It keeps every length in 32 bits and a log entry below SQLite's limit for one value.
pub(crate) const LONGEST_CHANGE: usize = 512 << 20;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const CLEAR: u8 = 3;

/// One write within a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write<'a> {
    /// The record under `key` becomes `value`.
    Put {
        /// The collection.
        collection: &'a str,
        /// The record's key.
        key: &'a str,
        /// The record as JSON.
        value: &'a [u8],
    },
    /// The record under `key` goes.
    Delete {
        /// The collection.
        collection: &'a str,
        /// The record's key.
        key: &'a str,
    },
    /// All records of the collection go.
    Clear {
        /// The collection.
        collection: &'a str,
    },
}

/// The bytes are not a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a log entry")]
pub struct Malformed;

/// Appends a put of what `write` appends; on error the buffer holds what it held before.
pub(crate) fn put<E>(
    buffer: &mut Vec<u8>,
    collection: &str,
    key: &str,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = buffer.len();
    open(buffer, PUT, collection);
    text(buffer, key.as_bytes());
    let length_at = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    if let Err(error) = write(buffer) {
        buffer.truncate(start);
        return Err(error);
    }
    let length = length_bytes(buffer.len() - length_at - 4);
    buffer[length_at..length_at + 4].copy_from_slice(&length);
    Ok(())
}

/// Appends a put of a record that is JSON already.
pub(crate) fn put_raw(buffer: &mut Vec<u8>, collection: &str, key: &str, value: &[u8]) {
    open(buffer, PUT, collection);
    text(buffer, key.as_bytes());
    text(buffer, value);
}

/// Appends a delete.
pub(crate) fn delete(buffer: &mut Vec<u8>, collection: &str, key: &str) {
    open(buffer, DELETE, collection);
    text(buffer, key.as_bytes());
}

/// Appends the clearing of a collection.
pub(crate) fn clear(buffer: &mut Vec<u8>, collection: &str) {
    open(buffer, CLEAR, collection);
}

/// The writes of a change, in order; ends after the first that is malformed.
pub fn writes(change: &[u8]) -> impl Iterator<Item = Result<Write<'_>, Malformed>> {
    let mut rest = Reader(change);
    std::iter::from_fn(move || {
        if rest.0.is_empty() {
            return None;
        }
        let write = rest.write();
        if write.is_none() {
            rest.0 = &[];
        }
        Some(write.ok_or(Malformed))
    })
}

fn open(buffer: &mut Vec<u8>, kind: u8, collection: &str) {
    buffer.push(kind);
    text(buffer, collection.as_bytes());
}

pub(crate) fn text(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(&length_bytes(bytes.len()));
    buffer.extend_from_slice(bytes);
}

/// A length beyond 32 bits saturates: such a change is longer than [`LONGEST_CHANGE`] and is refused before it is kept.
pub(crate) fn length_bytes(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Takes length-prefixed pieces from the front of some bytes; `None` where they end too soon.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn write(&mut self) -> Option<Write<'a>> {
        let kind = self.take(1)?[0];
        let collection = self.string()?;
        Some(match kind {
            PUT => Write::Put { collection, key: self.string()?, value: self.bytes()? },
            DELETE => Write::Delete { collection, key: self.string()? },
            CLEAR => Write::Clear { collection },
            _ => return None,
        })
    }

    pub(crate) fn string(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    pub(crate) fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    pub(crate) fn long(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn put_text(change: &mut Vec<u8>, collection: &str, key: &str, text: &[u8]) {
        put(change, collection, key, |buffer| buffer.write_all(text)).unwrap();
    }

    #[test]
    fn writes_come_back_in_order() {
        let mut change = Vec::new();
        put_text(&mut change, "devices", "hub/a", br#"{"id":1}"#);
        delete(&mut change, "devices", "hub/ü");
        clear(&mut change, "twins");
        let read: Vec<_> = writes(&change).map(Result::unwrap).collect();
        assert_eq!(
            read,
            [
                Write::Put { collection: "devices", key: "hub/a", value: br#"{"id":1}"# },
                Write::Delete { collection: "devices", key: "hub/ü" },
                Write::Clear { collection: "twins" },
            ]
        );
    }

    #[test]
    fn a_cut_change_is_malformed_at_every_length() {
        let mut change = Vec::new();
        put_text(&mut change, "devices", "a", b"7");
        for length in 1..change.len() {
            assert_eq!(writes(&change[..length]).last(), Some(Err(Malformed)), "cut at {length}");
        }
    }

    #[test]
    fn a_record_that_cannot_be_written_leaves_the_buffer_alone() {
        let mut change = Vec::new();
        delete(&mut change, "devices", "a");
        let before = change.clone();
        let half_written = put(&mut change, "devices", "b", |buffer| {
            buffer.extend_from_slice(b"{");
            Err(Malformed)
        });
        assert_eq!(half_written, Err(Malformed));
        assert_eq!(change, before);
    }
}
