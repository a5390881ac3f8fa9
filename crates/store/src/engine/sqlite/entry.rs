//! A journal entry: the changes of one gathered batch, with a frame that shows whether they are whole.
//!
//! Written and read by the SQLite engine. The frame is a CRC-32 of all that follows, then the payload's length, the
//! number of changes and the first revision, all little-endian.

use crate::engine::{Batch, EngineError};

const FRAME: usize = 4 + 4 + 4 + 8;

/// Writes the entry of a batch into `buffer`, over what it held.
pub(super) fn write(buffer: &mut Vec<u8>, batch: &Batch<'_>) -> Result<(), EngineError> {
    let length = u32::try_from(batch.bytes.len()).map_err(|error| EngineError::Io(error.into()))?;
    buffer.clear();
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&batch.count.to_le_bytes());
    buffer.extend_from_slice(&batch.first_revision.to_le_bytes());
    buffer.extend_from_slice(batch.bytes);
    let checksum = crc32fast::hash(&buffer[4..]);
    buffer[..4].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Reads the entry whose first revision must be `first_revision`; says what is wrong with it.
pub(super) fn read(entry: &[u8], first_revision: u64) -> Result<Batch<'_>, &'static str> {
    let (frame, bytes) = entry.split_first_chunk::<FRAME>().ok_or("it is too short for a frame")?;
    let number = |at: usize| u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
    if number(0) != crc32fast::hash(&entry[4..]) {
        return Err("its checksum does not fit");
    }
    let revision = u64::from(number(12)) | u64::from(number(16)) << 32;
    if usize::try_from(number(4)) != Ok(bytes.len()) || revision != first_revision || number(8) == 0 {
        return Err("its frame does not fit");
    }
    Ok(Batch { first_revision, count: number(8), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Vec<u8> {
        let mut buffer = Vec::from(*b"left over");
        write(&mut buffer, &Batch { first_revision: 1 << 40, count: 3, bytes: b"changes" }).unwrap();
        buffer
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let entry = entry();
        let batch = read(&entry, 1 << 40).unwrap();
        assert_eq!((batch.first_revision, batch.count, batch.bytes), (1 << 40, 3, &b"changes"[..]));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let whole = entry();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                assert!(read(&flipped, 1 << 40).is_err(), "bit {bit} of byte {at}");
            }
            assert!(read(&whole[..at], 1 << 40).is_err(), "cut at {at}");
        }
        assert!(read(&whole, 7).is_err(), "an entry in another's place");
    }
}
