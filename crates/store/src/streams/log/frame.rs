//! The bytes of a segment behind its header: frames, each a gathered batch with what shows whether it is whole.
//!
//! Written by the log, read by readers and by the walk at the start. A frame is a header of 36 bytes and the records;
//! a record is a header of 20 bytes and its body. All numbers are little-endian.
//!
//! | bytes | frame header |
//! |---|---|
//! | 4 | mark, [`MARK`] |
//! | 8 | number: each frame of a stream has the next one |
//! | 8 | number of the first frame that was synced together with it |
//! | 4 | length of the records |
//! | 4 | count of the records |
//! | 4 | CRC-32 of the records |
//! | 4 | CRC-32 of the header so far |
//!
//! | bytes | record header |
//! |---|---|
//! | 4 | partition |
//! | 4 | length of the body |
//! | 8 + 4 | when it was appended: seconds and nanoseconds since 1970 |

use iolite_kernel::Timestamp;

use crate::streams::head::RECORD_HEADER;

/// The length of a frame's header.
pub(in crate::streams) const FRAME_HEADER: usize = 36;

/// How each frame begins.
pub(super) const MARK: [u8; 4] = *b"\xf7ioF";

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) number: u64,
    pub(super) synced_from: u64,
    pub(super) length: usize,
    pub(super) count: u32,
    checksum: u32,
}

/// A record within a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameRecord<'a> {
    pub(super) partition: u32,
    pub(super) at: Timestamp,
    pub(super) body: &'a [u8],
}

/// Appends a record to a frame that is being gathered; its body is given in parts.
pub(in crate::streams) fn push(frame: &mut Vec<u8>, partition: u32, at: Timestamp, parts: &[&[u8]], length: usize) {
    if frame.is_empty() {
        frame.resize(FRAME_HEADER, 0);
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut header = [0; RECORD_HEADER];
    header[..4].copy_from_slice(&partition.to_le_bytes());
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..16].copy_from_slice(&at.as_second().to_le_bytes());
    header[16..].copy_from_slice(&at.subsec_nanosecond().to_le_bytes());
    frame.extend_from_slice(&header);
    for part in parts {
        frame.extend_from_slice(part);
    }
}

/// Completes the header of a gathered frame.
pub(super) fn seal(frame: &mut [u8], number: u64, synced_from: u64, count: u32) {
    let Some((header, records)) = frame.split_first_chunk_mut::<FRAME_HEADER>() else { return };
    header[..4].copy_from_slice(&MARK);
    header[4..12].copy_from_slice(&number.to_le_bytes());
    header[12..20].copy_from_slice(&synced_from.to_le_bytes());
    header[20..24].copy_from_slice(&u32::try_from(records.len()).unwrap_or(u32::MAX).to_le_bytes());
    header[24..28].copy_from_slice(&count.to_le_bytes());
    header[28..32].copy_from_slice(&crc32fast::hash(records).to_le_bytes());
    let checksum = crc32fast::hash(&header[..32]);
    header[32..].copy_from_slice(&checksum.to_le_bytes());
}

impl FrameHeader {
    /// Reads the header; `None` if it is not one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<FRAME_HEADER>()?;
        if header[..4] != MARK || word(header, 32) != crc32fast::hash(&header[..32]) {
            return None;
        }
        Some(Self {
            number: long(header, 4),
            synced_from: long(header, 12),
            length: usize::try_from(word(header, 20)).ok()?,
            count: word(header, 24),
            checksum: word(header, 28),
        })
    }

    /// Whether these are the records of the frame.
    pub(super) fn fits(&self, records: &[u8]) -> bool {
        records.len() == self.length
            && crc32fast::hash(records) == self.checksum
            && usize::try_from(self.count).is_ok_and(|count| walk(records).try_fold(0, whole) == Some(count))
    }
}

fn whole(count: usize, record: Option<FrameRecord<'_>>) -> Option<usize> {
    record.map(|_| count + 1)
}

/// The records of a frame in order; ends with a `None` if the bytes are not such.
pub(super) fn walk(mut records: &[u8]) -> impl Iterator<Item = Option<FrameRecord<'_>>> {
    std::iter::from_fn(move || {
        if records.is_empty() {
            return None;
        }
        let record = take(&mut records);
        if record.is_none() {
            records = &[];
        }
        Some(record)
    })
}

fn take<'a>(records: &mut &'a [u8]) -> Option<FrameRecord<'a>> {
    let (header, rest) = records.split_first_chunk::<RECORD_HEADER>()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(word(header, 4)).ok()?)?;
    let at = Timestamp::new(long(header, 8).cast_signed(), word(header, 16).cast_signed()).ok()?;
    *records = rest;
    Some(FrameRecord { partition: word(header, 0), at, body })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn frame() -> Vec<u8> {
        let mut frame = Vec::new();
        push(&mut frame, 3, moment("2026-11-22T01:02:03.456789012Z"), &[b"he", b"llo"], 5);
        push(&mut frame, 0, moment("1901-01-01T00:00:00.5Z"), &[], 0);
        seal(&mut frame, 1 << 40, 7, 2);
        frame
    }

    #[test]
    fn a_frame_comes_back_as_it_was() {
        let frame = frame();
        let header = FrameHeader::read(&frame).unwrap();
        assert_eq!((header.number, header.synced_from, header.count), (1 << 40, 7, 2));
        let records = &frame[FRAME_HEADER..];
        assert!(header.fits(records));
        let read: Vec<_> = walk(records).map(Option::unwrap).collect();
        assert_eq!(
            read,
            [
                FrameRecord { partition: 3, at: moment("2026-11-22T01:02:03.456789012Z"), body: b"hello" },
                FrameRecord { partition: 0, at: moment("1901-01-01T00:00:00.5Z"), body: b"" },
            ]
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let is_whole = |frame: &[u8]| {
            FrameHeader::read(frame)
                .is_some_and(|header| frame.get(FRAME_HEADER..).is_some_and(|rest| header.fits(rest)))
        };
        let whole = frame();
        assert!(is_whole(&whole));
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                assert!(!is_whole(&flipped), "bit {bit} of byte {at}");
            }
            assert!(!is_whole(&whole[..at]), "cut at {at}");
        }
    }
}
