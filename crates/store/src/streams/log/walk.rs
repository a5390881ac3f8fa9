//! The walk through all segments of a stream at the start.
//!
//! Every frame is verified. A write that a crash cut short stands at the very end and is left out and reported; a frame
//! that does not verify with a later write behind it is damage and stops the start, and so is anything that does not
//! follow from what stands before. Nothing is changed here: what is to be cut is cut before the first append.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::frame::{FRAME_HEADER, FrameHeader, MARK};
use super::header::{FORMAT, Header, NoHeader};
use super::place::Home;
use super::{Active, Log};
use crate::directory::refused;
use crate::streams::head::Head;
use crate::{OpenError, TornTail};

/// What was found of a stream.
#[derive(Debug)]
pub(in crate::streams) struct Walked {
    pub(in crate::streams) log: Log,
    /// How many records there are.
    pub(in crate::streams) records: u64,
    pub(in crate::streams) torn_tail: Option<TornTail>,
}

/// How a segment ends.
enum End {
    /// With its last frame at this byte, and perhaps zeros.
    Whole(u64),
    /// With its last frame at this byte, and so many bytes of a write that was not finished.
    Torn(u64, u64),
}

impl Walked {
    /// Walks through the segments in a folder.
    pub(in crate::streams) fn through(home: Home, segment_bytes: u64) -> Result<Self, OpenError> {
        let segments = home.segments().map_err(|cause| refused(&home.path, cause))?;
        let segments = segments.into_iter().map(Segment::open).collect::<Result<Vec<_>, _>>()?;
        let first = segments.iter().rposition(|segment| segment.header.is_anew).unwrap_or(0);
        let mut walked = Self { log: Log::empty(home, segment_bytes), records: 0, torn_tail: None };
        let count = segments.len();
        for (at, segment) in segments.into_iter().enumerate() {
            if at < first {
                walked.log.stale.push(segment.path);
            } else {
                walked.pass(segment, at == first, at + 1 == count)?;
            }
        }
        Ok(walked)
    }

    fn pass(&mut self, mut segment: Segment, is_first: bool, is_last: bool) -> Result<(), OpenError> {
        let log = &mut self.log;
        segment.check_name(&log.home)?;
        if is_first {
            (log.heads, log.frame) = (segment.header.heads.clone(), segment.header.frame);
        } else {
            segment.check_follows(log)?;
        }
        let (number, heads) = (segment.header.number, &segment.header.heads);
        log.index.write().begin(number, segment.path.clone(), segment.position, heads);
        let (position, torn_tail) = match self.frames(&mut segment)? {
            End::Whole(position) => (position, None),
            End::Torn(position, bytes) if is_last => {
                let file = segment.path.file_name().unwrap_or_default().to_string_lossy();
                let folder = self.log.home.path.file_name().unwrap_or_default().to_string_lossy();
                (position, Some(TornTail { file: format!("{folder}/{file}"), position, bytes }))
            }
            End::Torn(position, _) => {
                return Err(segment.damaged(position, "a frame of a finished segment does not verify"));
            }
        };
        self.log.active = Active::Resting(segment.path, position);
        self.torn_tail = torn_tail;
        Ok(())
    }

    /// Verifies the frames of a segment and takes them into the index.
    fn frames(&mut self, segment: &mut Segment) -> Result<End, OpenError> {
        let mut frame = Vec::new();
        loop {
            let position = segment.position;
            frame.clear();
            segment.read(FRAME_HEADER as u64, &mut frame)?;
            let header = FrameHeader::read(&frame).filter(|header| header.number == self.log.frame);
            if let Some(header) = header {
                segment.read(header.length as u64, &mut frame)?;
                if header.fits(&frame[FRAME_HEADER..]) {
                    let length = frame.len() as u64;
                    let count = self.log.index.write().pass(&mut self.log.heads, length, &frame[FRAME_HEADER..]);
                    self.records += count.ok_or_else(|| segment.damaged(position, "a record has no such partition"))?;
                    self.log.frame += 1;
                    segment.position += length;
                    continue;
                }
            }
            segment.read(u64::MAX, &mut frame)?;
            if is_followed(&frame, header, self.log.frame) {
                return Err(segment.damaged(position, "a frame does not verify, and finished ones stand behind it"));
            }
            let torn = frame.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            return Ok(if torn == 0 { End::Whole(position) } else { End::Torn(position, torn as u64) });
        }
    }
}

/// Whether a write that began after the bad frame `number` was synced stands in what follows; `rest` begins with the
/// bad frame, and `header` is what verifies of it.
fn is_followed(rest: &[u8], header: Option<FrameHeader>, number: u64) -> bool {
    // The inside of a frame is not searched if its length is known: bodies may hold anything.
    let from = header.map_or(1, |header| FRAME_HEADER + header.length);
    let Some(rest) = rest.get(from..) else { return false };
    let is_later = |at: usize| {
        FrameHeader::read(&rest[at..]).is_some_and(|header| {
            let records = rest[at + FRAME_HEADER..].get(..header.length);
            header.synced_from > number && records.is_some_and(|records| header.fits(records))
        })
    };
    rest.windows(MARK.len()).enumerate().any(|(at, window)| window == MARK && is_later(at))
}

/// A segment that is being read.
struct Segment {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    /// Where the next frame begins.
    position: u64,
}

impl Segment {
    fn open((number, path): (u64, PathBuf)) -> Result<Self, OpenError> {
        let file = File::open(&path).map_err(|cause| refused(&path, cause))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let damaged = |what: &str| corrupt(&path, 0, what);
        match Header::read(&mut file).map_err(|cause| refused(&path, cause))? {
            Ok((header, position)) if header.number == number => Ok(Self { path, file, header, position }),
            Ok(_) => Err(damaged("this is another segment")),
            Err(NoHeader::Damaged) => Err(damaged("the header does not verify")),
            Err(NoHeader::Newer(found)) => {
                Err(OpenError::NewerFormat { found: found.into(), known: FORMAT.into(), file: path })
            }
        }
    }

    fn check_name(&self, home: &Home) -> Result<(), OpenError> {
        if self.header.name == home.name { Ok(()) } else { Err(self.damaged(0, "this is a segment of another stream")) }
    }

    fn check_follows(&self, log: &Log) -> Result<(), OpenError> {
        let is_next = log.index.read().last().is_some_and(|last| last.number + 1 == self.header.number);
        if !is_next {
            return Err(self.damaged(0, "the segment before this one is missing"));
        }
        if !same(&self.header.heads, &log.heads) || self.header.frame != log.frame {
            return Err(self.damaged(0, "this segment does not go on where the one before ends"));
        }
        Ok(())
    }

    /// Reads so many bytes more, or what is left.
    fn read(&mut self, length: u64, bytes: &mut Vec<u8>) -> Result<(), OpenError> {
        let outcome = (&mut self.file).take(length).read_to_end(bytes);
        outcome.map(drop).map_err(|cause| refused(&self.path, cause))
    }

    fn damaged(&self, position: u64, what: &str) -> OpenError {
        corrupt(&self.path, position, what)
    }
}

/// Whether two lists of heads say the same; one that is missing has nothing.
fn same(one: &[Head], other: &[Head]) -> bool {
    let head = |heads: &[Head], at: usize| heads.get(at).copied().unwrap_or_default();
    (0..one.len().max(other.len())).all(|at| head(one, at) == head(other, at))
}

fn corrupt(path: &Path, position: u64, what: &str) -> OpenError {
    OpenError::Corrupt { file: path.to_owned(), position: format!("byte {position}"), what: what.to_owned() }
}
