//! The log of a stream: append-only segments in a folder.
//!
//! Owned by the stream's commit thread, or at rest beside its state; read through its [`Index`]. Gathered frames are
//! written behind each other and synced together. A segment is deleted when nothing in it is wanted any more. After a
//! failed write or sync the log is not used again.

pub(super) mod frame;
mod header;
mod index;
mod place;
mod read;
mod walk;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iolite_kernel::Timestamp;
use parking_lot::RwLock;

use self::frame::FRAME_HEADER;
use self::header::Header;
use super::head::{Head, Most, Start};
use crate::directory::private_file;
use crate::engine::EngineError;

pub(super) use self::header::{read_head, write_head};
pub(super) use self::index::Index;
pub(super) use self::place::{Home, names};
pub(super) use self::read::{Wanted, read};
pub(super) use self::walk::Walked;

/// Zeros are written ahead of small frames, so that most syncs need not record a new length of the file: this many times
/// what was gathered, but at least so many bytes.
const AHEAD: usize = 16;
const LEAST_AHEAD: usize = 64 << 10;

/// If so much was gathered (bytes), the sync takes its time for it anyway, and zeros would only be more to write.
const LARGE: usize = 32 << 10;

/// Writes segments.
#[derive(Debug)]
pub(super) struct Log {
    home: Home,
    segment_bytes: u64,
    /// Where each partition stands behind the last frame.
    heads: Vec<Head>,
    /// The number of the next frame.
    frame: u64,
    index: Arc<RwLock<Index>>,
    active: Active,
    /// Segments that count no more, left by a crash.
    stale: Vec<PathBuf>,
}

/// The segment that frames go to.
#[derive(Debug)]
enum Active {
    None,
    /// Frames go on at this byte; what stands behind is to be cut.
    Resting(PathBuf, u64),
    Open {
        file: File,
        position: u64,
        /// Up to where zeros, or frames, were written.
        zeroed: u64,
    },
}

/// Records that were gathered to be written in one frame.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
}

impl Log {
    /// A log with nothing in it and nothing on the disk.
    pub(super) fn empty(home: Home, segment_bytes: u64) -> Self {
        Self {
            home,
            segment_bytes,
            heads: Vec::new(),
            frame: 0,
            index: Arc::new(RwLock::new(Index::of(segment_bytes))),
            active: Active::None,
            stale: Vec::new(),
        }
    }

    /// Whether nothing is on the disk.
    pub(super) fn is_unwritten(&self) -> bool {
        matches!(self.active, Active::None)
    }

    /// Where each partition stands; one that is missing has nothing.
    pub(super) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The index of what is durable.
    pub(super) fn index(&self) -> Arc<RwLock<Index>> {
        Arc::clone(&self.index)
    }

    /// Writes frames and returns when they are on the disk.
    pub(super) fn append(&mut self, frames: &mut [Gathered]) -> Result<(), EngineError> {
        self.ready()?;
        let synced_from = self.frame;
        // Put back only when all went well: after a failure the file is not touched again.
        let Active::Open { mut file, position, mut zeroed } = std::mem::replace(&mut self.active, Active::None) else {
            return Err(broken("no segment is open"));
        };
        let gathered: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
        let (mut at, mut lengths) = (position, Vec::with_capacity(frames.len()));
        for frame in &mut *frames {
            frame::seal(&mut frame.bytes, self.frame, synced_from, frame.count);
            self.frame += 1;
            let length = frame.bytes.len();
            lengths.push(length);
            if at + length as u64 > zeroed {
                let ahead = if gathered < LARGE { (gathered * AHEAD).max(LEAST_AHEAD) } else { 0 };
                frame.bytes.resize(length + ahead, 0);
                zeroed = at + frame.bytes.len() as u64;
            }
            write_at(&mut file, &frame.bytes, at).map_err(|error| failed(&self.home.path, &error))?;
            at += length as u64;
        }
        file.sync_data().map_err(|error| failed(&self.home.path, &error))?;
        self.active = Active::Open { file, position: at, zeroed };
        let mut index = self.index.write();
        for (frame, length) in frames.iter().zip(lengths) {
            let records = frame.bytes.get(FRAME_HEADER..length).unwrap_or_default();
            index.pass(&mut self.heads, length as u64, records).ok_or_else(|| broken("a frame cannot be read"))?;
        }
        Ok(())
    }

    /// Drops all records; the numbers go on.
    pub(super) fn clear(&mut self) -> Result<(), EngineError> {
        if self.is_unwritten() {
            return Ok(());
        }
        let heads = self.heads.clone();
        self.begin(heads, true, &mut [])
    }

    /// Puts other records in the place of all that is there: these frames, the first record of each partition being
    /// what its head says. After a crash either the old records are there or the new ones.
    pub(super) fn replace(&mut self, heads: Vec<Head>, frames: &mut [Gathered]) -> Result<(), EngineError> {
        if self.is_unwritten() && heads.iter().all(|head| head.sequence == 0) && frames.is_empty() {
            return Ok(());
        }
        self.begin(heads, true, frames)
    }

    /// The first record of each partition that is not older than `cutoff`, looking from `floors` on.
    pub(super) fn firsts_since(&self, cutoff: Timestamp, floors: &[u64]) -> Result<Vec<u64>, EngineError> {
        let first = |(partition, head): (u32, &Head)| {
            let floor = floors.get(partition as usize).copied().unwrap_or(0);
            let (start, most) = (Start::Since(cutoff), Most { records: 1, bytes: 0 });
            let wanted = Wanted { partition, start, floor, end: head.sequence, most };
            let found = read(&self.index, wanted)?;
            Ok(found.first().map_or(head.sequence, |record| record.sequence).max(floor))
        };
        (0..).zip(&self.heads).map(first).collect()
    }

    /// Deletes the segments in which nothing from `floors` on stands.
    pub(super) fn drop_before(&mut self, floors: &[u64]) -> Result<(), EngineError> {
        let is_dropped = |firsts: &[u64]| {
            firsts.iter().enumerate().all(|(partition, first)| *first <= floors.get(partition).copied().unwrap_or(0))
        };
        let heads: Vec<u64> = self.heads.iter().map(|head| head.sequence).collect();
        if is_dropped(&heads) && self.index.read().firsts() != heads {
            return self.clear();
        }
        while self.index.read().second().is_some_and(|firsts| is_dropped(&firsts)) {
            self.drop_oldest()?;
        }
        Ok(())
    }

    /// Deletes the oldest segments until the rest takes at most so many bytes, but never the last; returns what is the
    /// first record of each partition then, if any was deleted.
    pub(super) fn shrink(&mut self, most_bytes: u64) -> Result<Option<Vec<u64>>, EngineError> {
        let mut firsts = None;
        while self.index.read().bytes() > most_bytes {
            let Some(second) = self.index.read().second() else { break };
            self.drop_oldest()?;
            firsts = Some(second);
        }
        Ok(firsts)
    }

    /// Lets go of the open file, and of the zeros at its end.
    pub(super) fn rest(&mut self) -> Result<(), EngineError> {
        if let Active::Open { file, position, .. } = &self.active {
            file.set_len(*position).map_err(|error| failed(&self.home.path, &error))?;
            let path = self.index.read().last().map(|segment| segment.path.clone());
            self.active = path.map_or(Active::None, |path| Active::Resting(path, *position));
        }
        Ok(())
    }

    /// Opens the segment that frames go to; a new one if there is none or the last is full.
    fn ready(&mut self) -> Result<(), EngineError> {
        if let Active::Resting(path, position) = &self.active {
            let file = private_file(path).map_err(|error| failed(path, &error))?;
            file.set_len(*position).map_err(|error| failed(path, &error))?;
            self.active = Active::Open { file, position: *position, zeroed: *position };
        }
        for path in std::mem::take(&mut self.stale) {
            delete(&path)?;
        }
        match &self.active {
            Active::Open { position, .. } if *position < self.segment_bytes => Ok(()),
            _ => self.begin(self.heads.clone(), false, &mut []),
        }
    }

    /// Begins a segment, where each partition stands as `heads` say, with some frames in it already. If it `is_anew`,
    /// all earlier segments are deleted.
    fn begin(&mut self, heads: Vec<Head>, is_anew: bool, frames: &mut [Gathered]) -> Result<(), EngineError> {
        if self.is_unwritten() {
            self.home.make().map_err(|error| failed(&self.home.path, &error))?;
        }
        self.rest()?;
        let number = self.index.read().last().map_or(0, |last| last.number + 1);
        let header = Header { name: self.home.name.clone(), number, frame: self.frame, is_anew, heads };
        let header_bytes = header.write();
        let synced_from = self.frame;
        for frame in &mut *frames {
            frame::seal(&mut frame.bytes, self.frame, synced_from, frame.count);
            self.frame += 1;
        }
        let content: Vec<&[u8]> =
            std::iter::once(&header_bytes[..]).chain(frames.iter().map(|frame| &frame.bytes[..])).collect();
        let (file, path) = self.home.create(number, &content).map_err(|error| failed(&self.home.path, &error))?;
        let old = self.enter(header, path, header_bytes.len() as u64, frames)?;
        let position = content.iter().map(|piece| piece.len() as u64).sum();
        self.active = Active::Open { file, position, zeroed: position };
        old.iter().try_for_each(|path| delete(path))
    }

    /// Takes a new segment into the index; returns the files that count no more.
    fn enter(
        &mut self,
        header: Header,
        path: PathBuf,
        position: u64,
        frames: &[Gathered],
    ) -> Result<Vec<PathBuf>, EngineError> {
        let mut index = self.index.write();
        let old = if header.is_anew { index.take() } else { VecDeque::new() };
        index.begin(header.number, path, position, &header.heads);
        self.heads = header.heads;
        for frame in frames {
            let records = frame.bytes.get(FRAME_HEADER..).unwrap_or_default();
            let passed = index.pass(&mut self.heads, frame.bytes.len() as u64, records);
            passed.ok_or_else(|| broken("a frame cannot be read"))?;
        }
        Ok(old.into_iter().map(|segment| segment.path).collect())
    }

    fn drop_oldest(&mut self) -> Result<(), EngineError> {
        let oldest = self.index.write().pop();
        oldest.map_or(Ok(()), |segment| delete(&segment.path))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.rest() {
            tracing::warn!(%error, "a segment could not be closed in good order; what was acknowledged is kept");
        }
    }
}

fn delete(path: &Path) -> Result<(), EngineError> {
    fs::remove_file(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Io(format!("{}: {error}", path.display()).into())
}

fn broken(what: &str) -> EngineError {
    EngineError::Io(what.into())
}

#[cfg(unix)]
fn write_at(file: &mut File, bytes: &[u8], position: u64) -> io::Result<()> {
    file.write_all_at(bytes, position)
}

#[cfg(not(unix))]
fn write_at(file: &mut File, bytes: &[u8], position: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(position))?;
    file.write_all(bytes)
}
