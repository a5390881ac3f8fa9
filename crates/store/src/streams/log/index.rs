//! Where in the segments a partition's records stand.
//!
//! Kept by the log as it writes and by the walk at the start, asked by readers. A mark for every partition at each
//! quarter of a mebibyte is enough to find any record by reading at most one such block; the records themselves are not
//! here. Only what is durable is in it.

use std::collections::VecDeque;
use std::path::PathBuf;

use iolite_kernel::Timestamp;

use super::frame::walk;
use crate::streams::head::{Head, Start};
use crate::streams::limits::MOST_PARTITIONS;

/// How many bytes of a segment share one mark, at most.
const LARGEST_BLOCK: u64 = 256 << 10;

/// Into how many blocks a segment is divided, at least.
const LEAST_BLOCKS: u64 = 16;

/// The segments of a stream, the oldest first.
#[derive(Debug)]
pub(in crate::streams) struct Index {
    segments: VecDeque<Segment>,
    /// How many bytes of a segment share one mark.
    block: u64,
}

/// What is known of a segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    /// Where its durable frames end.
    pub(super) length: u64,
    /// The first begins where the frames begin.
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    position: u64,
    /// By partition; one that is missing had no record before or in the block.
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// The partition's first record in the block, or else its next one.
    sequence: u64,
    offset: u64,
    /// The latest moment of the partition's records in the block; `None` if there are none.
    newest: Option<Timestamp>,
}

/// A block to be read for a partition.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) path: PathBuf,
    pub(super) position: u64,
    /// Where the block ends.
    pub(super) end: u64,
    /// The partition's first record in the block.
    pub(super) sequence: u64,
    pub(super) offset: u64,
}

impl Index {
    /// The index of a log whose segments have so many bytes.
    pub(super) fn of(segment_bytes: u64) -> Self {
        Self { segments: VecDeque::new(), block: (segment_bytes / LEAST_BLOCKS).min(LARGEST_BLOCK) }
    }

    /// Begins a segment whose frames begin at `position`.
    pub(super) fn begin(&mut self, number: u64, path: PathBuf, position: u64, heads: &[Head]) {
        let blocks = vec![Block::at(position, heads)];
        self.segments.push_back(Segment { number, path, length: position, blocks });
    }

    /// Takes in a frame that ends the last segment now, and moves the heads on over its records; `None` if they are not
    /// records of a stream.
    pub(super) fn pass(&mut self, heads: &mut Vec<Head>, length: u64, records: &[u8]) -> Option<u64> {
        let segment = self.segments.back_mut()?;
        if segment.blocks.last().is_none_or(|block| segment.length - block.position >= self.block) {
            segment.blocks.push(Block::at(segment.length, heads));
        }
        let block = segment.blocks.last_mut()?;
        let mut count = 0;
        for record in walk(records) {
            let record = record.filter(|record| record.partition < MOST_PARTITIONS)?;
            let partition = usize::try_from(record.partition).ok()?;
            if heads.len() <= partition {
                heads.resize(partition + 1, Head::default());
            }
            if block.marks.len() <= partition {
                block.marks.resize(partition + 1, Mark::default());
            }
            heads[partition].advance(record.at, record.body.len());
            let mark = &mut block.marks[partition];
            mark.newest = mark.newest.max(Some(record.at));
            count += 1;
        }
        segment.length += length;
        Some(count)
    }

    /// How many bytes the segments have.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    pub(super) fn last(&self) -> Option<&Segment> {
        self.segments.back()
    }

    /// Whether a segment is still there.
    pub(super) fn has(&self, number: u64) -> bool {
        self.segments.iter().any(|segment| segment.number == number)
    }

    /// The first records of the segment behind the oldest one; `None` if there is only one.
    pub(super) fn second(&self) -> Option<Vec<u64>> {
        self.segments.get(1).map(Segment::firsts)
    }

    /// The first record of each partition.
    pub(in crate::streams) fn firsts(&self) -> Vec<u64> {
        self.segments.front().map(Segment::firsts).unwrap_or_default()
    }

    /// Takes out the oldest segment.
    pub(super) fn pop(&mut self) -> Option<Segment> {
        self.segments.pop_front()
    }

    /// Takes out all segments.
    pub(super) fn take(&mut self) -> VecDeque<Segment> {
        std::mem::take(&mut self.segments)
    }

    /// The block in which a partition's wanted record stands, if it is one from `floor` on.
    pub(super) fn find(&self, partition: usize, start: Start, floor: u64) -> Option<Place> {
        let known = match start {
            Start::Sequence(sequence) => self.last_before(partition, |mark| mark.sequence <= sequence.max(floor)),
            Start::Offset(offset) => self.last_before(partition, |mark| mark.offset <= offset),
            Start::Since(_) => self.last_before(partition, |mark| mark.sequence <= floor),
        };
        self.place(partition, known, |newest| match start {
            Start::Since(at) => newest >= at,
            _ => true,
        })
    }

    /// The next block behind another in which the partition has records.
    pub(super) fn next(&self, partition: usize, place: &Place) -> Option<Place> {
        let segment = self.segments.partition_point(|segment| segment.number < place.segment);
        let is_same = self.segments.get(segment)?.number == place.segment;
        let block =
            if is_same { self.segments[segment].blocks.partition_point(|block| block.position < place.end) } else { 0 };
        self.place(partition, (segment, block), |_| true)
    }

    /// The last block for whose mark the condition holds, which it does up to some block; else the first.
    fn last_before(&self, partition: usize, holds: impl Fn(&Mark) -> bool) -> (usize, usize) {
        let holds = |block: &Block| holds(&block.mark(partition));
        let segment = self.segments.partition_point(|segment| segment.blocks.first().is_some_and(&holds));
        let segment = segment.saturating_sub(1);
        let block = self.segments.get(segment).map_or(0, |segment| segment.blocks.partition_point(holds));
        (segment, block.saturating_sub(1))
    }

    /// The first block from one on in which the partition has records, if the latest moment of them will do.
    fn place(
        &self,
        partition: usize,
        (segment, block): (usize, usize),
        will_do: impl Fn(Timestamp) -> bool,
    ) -> Option<Place> {
        let mut skipped = block;
        for segment in self.segments.range(segment.min(self.segments.len())..) {
            for (number, block) in segment.blocks.iter().enumerate().skip(std::mem::take(&mut skipped)) {
                let mark = block.mark(partition);
                if mark.newest.is_some_and(&will_do) {
                    let end = segment.blocks.get(number + 1).map_or(segment.length, |next| next.position);
                    return Some(Place {
                        segment: segment.number,
                        path: segment.path.clone(),
                        position: block.position,
                        end,
                        sequence: mark.sequence,
                        offset: mark.offset,
                    });
                }
            }
        }
        None
    }
}

impl Segment {
    fn firsts(&self) -> Vec<u64> {
        self.blocks.first().map(|block| block.marks.iter().map(|mark| mark.sequence).collect()).unwrap_or_default()
    }
}

impl Block {
    fn at(position: u64, heads: &[Head]) -> Self {
        let mark = |head: &Head| Mark { sequence: head.sequence, offset: head.offset, newest: None };
        Self { position, marks: heads.iter().map(mark).collect() }
    }

    fn mark(&self, partition: usize) -> Mark {
        self.marks.get(partition).copied().unwrap_or_default()
    }
}
