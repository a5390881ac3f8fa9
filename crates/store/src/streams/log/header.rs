//! The header of a segment: whose it is, and where each partition stands at its front.
//!
//! Written when a segment is begun, read at the start. It is synced under another name before the segment gets its own,
//! so a crash never leaves half of one: a header that does not verify is damage.

use std::io::Read;

use iolite_kernel::Timestamp;

use crate::frame::{Reader, text};
use crate::streams::head::{Head, Last};

const MAGIC: &[u8; 8] = b"iolitesg";

/// The newest format that this version reads.
pub(super) const FORMAT: u32 = 1;

/// The longest header, in bytes; far more than the most partitions take.
const LONGEST: usize = 1 << 20;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The stream's name.
    pub(super) name: String,
    /// The segment's number: each segment of a stream has the next one.
    pub(super) number: u64,
    /// The number of its first frame.
    pub(super) frame: u64,
    /// Whether nothing before this segment counts any more.
    pub(super) is_anew: bool,
    /// Where each partition stands at its front.
    pub(super) heads: Vec<Head>,
}

/// Why bytes are not a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    Damaged,
    Newer(u32),
}

impl Header {
    /// Its bytes: the magic, the format, the length of the rest, the rest, and the CRC-32 of all that.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        rest.extend_from_slice(&self.number.to_le_bytes());
        rest.extend_from_slice(&self.frame.to_le_bytes());
        rest.push(u8::from(self.is_anew));
        text(&mut rest, self.name.as_bytes());
        for head in &self.heads {
            write_head(&mut rest, head);
        }
        let mut bytes = Vec::from(*MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        text(&mut bytes, &rest);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Takes a header from the front of a file; returns its length as well.
    pub(super) fn read(file: &mut impl Read) -> std::io::Result<Result<(Self, u64), NoHeader>> {
        let mut bytes = Vec::new();
        file.by_ref().take(16).read_to_end(&mut bytes)?;
        let Some((format, length)) = front(&bytes) else { return Ok(Err(NoHeader::Damaged)) };
        if format > FORMAT {
            return Ok(Err(NoHeader::Newer(format)));
        }
        file.take(length as u64 + 4).read_to_end(&mut bytes)?;
        let header = (bytes.len() == 16 + length + 4).then(|| whole(&bytes)).flatten();
        Ok(header.map(|header| (header, bytes.len() as u64)).ok_or(NoHeader::Damaged))
    }
}

fn front(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut reader = Reader(bytes.strip_prefix(MAGIC)?);
    let (format, length) = (reader.number()?, usize::try_from(reader.number()?).ok()?);
    (length <= LONGEST).then_some((format, length))
}

fn whole(bytes: &[u8]) -> Option<Header> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if u32::from_le_bytes(*checksum) != crc32fast::hash(content) {
        return None;
    }
    let mut reader = Reader(content.get(16..)?);
    let (number, frame) = (reader.long()?, reader.long()?);
    let is_anew = reader.take(1)? == [1];
    let name = reader.string()?.to_owned();
    let mut heads = Vec::new();
    while !reader.0.is_empty() {
        heads.push(read_head(&mut reader)?);
    }
    Some(Header { name, number, frame, is_anew, heads })
}

/// Writes where a partition stands.
pub(in crate::streams) fn write_head(bytes: &mut Vec<u8>, head: &Head) {
    bytes.extend_from_slice(&head.sequence.to_le_bytes());
    bytes.extend_from_slice(&head.offset.to_le_bytes());
    bytes.push(u8::from(head.last.is_some()));
    let last = head.last.unwrap_or(Last { offset: 0, at: Timestamp::UNIX_EPOCH });
    bytes.extend_from_slice(&last.offset.to_le_bytes());
    bytes.extend_from_slice(&last.at.as_second().to_le_bytes());
    bytes.extend_from_slice(&last.at.subsec_nanosecond().to_le_bytes());
}

/// Reads what [`write_head`] wrote.
pub(in crate::streams) fn read_head(reader: &mut Reader<'_>) -> Option<Head> {
    let (sequence, offset) = (reader.long()?, reader.long()?);
    let has_last = reader.take(1)? == [1];
    let last_offset = reader.long()?;
    let at = Timestamp::new(reader.long()?.cast_signed(), reader.number()?.cast_signed()).ok()?;
    Some(Head { sequence, offset, last: has_last.then_some(Last { offset: last_offset, at }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let last = Last { offset: 17, at: "2026-11-22T01:02:03.5Z".parse().unwrap() };
        Header {
            name: "hub/events".to_owned(),
            number: 5,
            frame: 900,
            is_anew: true,
            heads: vec![Head::default(), Head { sequence: 3, offset: 99, last: Some(last) }],
        }
    }

    #[test]
    fn a_header_comes_back_as_it_was() {
        let mut file = header().write();
        let length = file.len() as u64;
        file.extend_from_slice(b"frames");
        assert_eq!(Header::read(&mut &file[..]).unwrap(), Ok((header(), length)));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let whole = header().write();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                assert!(Header::read(&mut &flipped[..]).unwrap().is_err(), "bit {bit} of byte {at}");
            }
            assert_eq!(Header::read(&mut &whole[..at]).unwrap(), Err(NoHeader::Damaged), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut file = header().write();
        file[8] = 9;
        assert_eq!(Header::read(&mut &file[..]).unwrap(), Err(NoHeader::Newer(9)));
    }
}
