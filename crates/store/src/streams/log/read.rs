//! Reading records back from the segments.
//!
//! Called on a blocking thread, for what is no longer in memory. It follows the index from block to block, verifies each
//! frame it meets, and changes nothing.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use iolite_kernel::Timestamp;
use parking_lot::RwLock;

use super::frame::{FRAME_HEADER, FrameHeader, FrameRecord, walk};
use super::index::{Index, Place};
use crate::engine::EngineError;
use crate::streams::StreamRecord;
use crate::streams::head::{Head, Most, Start};

/// How much is read from a segment at a time.
const BUFFER: usize = 128 << 10;

/// What a reader wants of a partition.
#[derive(Debug, Clone, Copy)]
pub(in crate::streams) struct Wanted {
    pub(in crate::streams) partition: u32,
    pub(in crate::streams) start: Start,
    /// The first record that was not dropped.
    pub(in crate::streams) floor: u64,
    /// The first record that cannot be read yet.
    pub(in crate::streams) end: u64,
    pub(in crate::streams) most: Most,
}

/// Reads the wanted records.
pub(in crate::streams) fn read(index: &RwLock<Index>, wanted: Wanted) -> Result<Vec<StreamRecord>, EngineError> {
    let partition = usize::try_from(wanted.partition).unwrap_or(usize::MAX);
    let mut reading = Reading { wanted, is_reached: false, is_done: false, found: Vec::new(), bodies: BytesMut::new() };
    let mut next = index.read().find(partition, wanted.start, wanted.floor);
    while let Some(place) = next {
        next = match reading.block(&place) {
            Ok(()) if reading.is_done => None,
            Ok(()) => index.read().next(partition, &place),
            // Retention may take a segment away between the look into the index and the opening.
            Err(Fault::Gone) if !index.read().has(place.segment) => index.read().next(partition, &place),
            Err(fault) => return Err(fault.at(&place.path)),
        };
    }
    Ok(reading.finish())
}

struct Reading {
    wanted: Wanted,
    is_reached: bool,
    is_done: bool,
    found: Vec<Found>,
    /// The bodies of the records found, one after another: a record must not keep a whole frame in memory.
    bodies: BytesMut,
}

struct Found {
    sequence: u64,
    offset: u64,
    at: Timestamp,
    length: usize,
}

enum Fault {
    Gone,
    Damaged(u64),
    Io(io::Error),
}

impl Reading {
    fn block(&mut self, place: &Place) -> Result<(), Fault> {
        let mut file = File::open(&place.path)?;
        file.seek(SeekFrom::Start(place.position))?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        let mut head = Head { sequence: place.sequence, offset: place.offset, last: None };
        let (mut position, mut records) = (place.position, Vec::new());
        while position < place.end && !self.is_done {
            let mut bytes = [0; FRAME_HEADER];
            file.read_exact(&mut bytes)?;
            let left = place.end - position - FRAME_HEADER as u64;
            let header = FrameHeader::read(&bytes).filter(|header| header.length as u64 <= left);
            let header = header.ok_or(Fault::Damaged(position))?;
            records.resize(header.length, 0);
            file.read_exact(&mut records)?;
            if !header.fits(&records) {
                return Err(Fault::Damaged(position));
            }
            for record in walk(&records).flatten() {
                self.pass(&mut head, &record);
            }
            position += (FRAME_HEADER + header.length) as u64;
        }
        Ok(())
    }

    fn pass(&mut self, head: &mut Head, record: &FrameRecord<'_>) {
        if record.partition != self.wanted.partition || self.is_done {
            return;
        }
        let Head { sequence, offset, .. } = *head;
        head.advance(record.at, record.body.len());
        if sequence >= self.wanted.end {
            self.is_done = true;
            return;
        }
        self.is_reached |= sequence >= self.wanted.floor && self.wanted.start.is_reached(sequence, offset, record.at);
        if !self.is_reached {
            return;
        }
        if !self.wanted.most.take(record.body.len(), self.found.is_empty()) {
            self.is_done = true;
            return;
        }
        self.bodies.extend_from_slice(record.body);
        self.found.push(Found { sequence, offset, at: record.at, length: record.body.len() });
    }

    fn finish(self) -> Vec<StreamRecord> {
        let mut bodies: Bytes = self.bodies.freeze();
        let record = |found: Found| StreamRecord {
            sequence: found.sequence,
            offset: found.offset,
            enqueued_at: found.at,
            body: bodies.split_to(found.length),
        };
        self.found.into_iter().map(record).collect()
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Gone } else { Self::Io(error) }
    }
}

impl Fault {
    fn at(self, path: &Path) -> EngineError {
        let path = path.display();
        match self {
            Self::Gone => EngineError::Io(format!("{path} is missing").into()),
            Self::Damaged(position) => EngineError::Corrupt {
                position: format!("byte {position} of {path}"),
                what: "a frame does not verify".to_owned(),
            },
            Self::Io(error) => EngineError::Io(format!("{path}: {error}").into()),
        }
    }
}
