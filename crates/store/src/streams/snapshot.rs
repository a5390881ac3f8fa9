//! A copy of the streams of a world, to be put back later.
//!
//! Made by [`Streams::export`](super::Streams::export) for the control API's snapshots, put back by
//! [`Streams::import`](super::Streams::import). As bytes it carries a checksum, so that a damaged copy is refused whole.
//! Records keep their numbers, offsets and moments.

use std::collections::BTreeMap;

use bytes::Bytes;
use iolite_kernel::Timestamp;

use super::StreamRecord;
use super::head::Head;
use super::limits::{LARGEST_RECORD, MOST_PARTITIONS};
use super::log::frame::push;
use super::log::{Gathered, read_head, write_head};
use crate::SnapshotError;
use crate::frame::{Reader, text};

const MAGIC: &[u8; 8] = b"iolitest";
const FORMAT: u32 = 1;

/// How many bytes of records a frame of an imported copy has.
const FRAME: usize = 1 << 20;

/// The newest records of all streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamsSnapshot {
    pub(super) streams: BTreeMap<String, Vec<PartitionCopy>>,
}

/// The newest records of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartitionCopy {
    /// Where it stands behind them.
    pub(super) head: Head,
    pub(super) records: Vec<StreamRecord>,
}

impl PartitionCopy {
    /// Where it stands before them.
    pub(super) fn first(&self) -> Head {
        self.records.first().map_or(self.head, |first| Head {
            sequence: first.sequence,
            offset: first.offset,
            last: None,
        })
    }
}

/// The records of a copy as they are written.
pub(super) fn frames(partitions: &[PartitionCopy]) -> Vec<Gathered> {
    let mut frames: Vec<Gathered> = Vec::new();
    for (partition, copy) in (0..).zip(partitions) {
        for record in &copy.records {
            if frames.last().is_none_or(|frame| frame.bytes.len() >= FRAME) {
                frames.push(Gathered::default());
            }
            if let Some(frame) = frames.last_mut() {
                push(&mut frame.bytes, partition, record.enqueued_at, &[&record.body], record.body.len());
                frame.count += 1;
            }
        }
    }
    frames
}

impl StreamsSnapshot {
    /// How many records there are.
    pub fn records(&self) -> usize {
        self.streams.values().flatten().map(|partition| partition.records.len()).sum()
    }

    /// The streams, in order of their names.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(|name| &**name)
    }

    /// The snapshot as bytes of our own format.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(*MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        for (name, partitions) in &self.streams {
            text(&mut bytes, name.as_bytes());
            bytes.extend_from_slice(&number(partitions.len()));
            for partition in partitions {
                write_head(&mut bytes, &partition.first());
                write_head(&mut bytes, &partition.head);
                bytes.extend_from_slice(&number(partition.records.len()));
                for record in &partition.records {
                    bytes.extend_from_slice(&record.enqueued_at.as_second().to_le_bytes());
                    bytes.extend_from_slice(&record.enqueued_at.subsec_nanosecond().to_le_bytes());
                    text(&mut bytes, &record.body);
                }
            }
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`StreamsSnapshot::to_bytes`] wrote.
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
        let mut rest = Reader(content.get(MAGIC.len() + 4..).ok_or(SnapshotError::Damaged)?);
        let mut snapshot = Self::default();
        while !rest.0.is_empty() {
            let (name, partitions) = stream(&mut rest).ok_or(SnapshotError::Damaged)?;
            snapshot.streams.insert(name, partitions);
        }
        Ok(snapshot)
    }
}

fn number(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn stream(rest: &mut Reader<'_>) -> Option<(String, Vec<PartitionCopy>)> {
    let name = rest.string()?.to_owned();
    let count = rest.number().filter(|count| (1..=MOST_PARTITIONS).contains(count))?;
    let partitions = (0..count).map(|_| partition(rest)).collect::<Option<_>>()?;
    Some((name, partitions))
}

fn partition(rest: &mut Reader<'_>) -> Option<PartitionCopy> {
    let (mut at, head) = (read_head(rest)?, read_head(rest)?);
    let count = rest.number()?;
    let mut records = Vec::new();
    for _ in 0..count {
        let enqueued_at = Timestamp::new(rest.long()?.cast_signed(), rest.number()?.cast_signed()).ok()?;
        let body = rest.bytes().filter(|body| body.len() <= LARGEST_RECORD)?;
        let (sequence, offset) = (at.sequence, at.offset);
        at.advance(enqueued_at, body.len());
        records.push(StreamRecord { sequence, offset, enqueued_at, body: Bytes::copy_from_slice(body) });
    }
    (at == head || (records.is_empty() && at.sequence == head.sequence)).then_some(PartitionCopy { head, records })
}
