//! How much streams may keep.
//!
//! Given once, when the streams are opened; the same for each of them. Retention by age is set on a stream by itself,
//! since a hub has its own.

/// The longest record, in bytes. Event Hubs takes 1 MiB at most, IoT Hub 256 KiB.
pub const LARGEST_RECORD: usize = 4 << 20;

/// The most partitions that a stream may have. Event Hubs goes up to 2,000 in its largest tier.
pub const MOST_PARTITIONS: u32 = 2048;

/// The bounds of each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without a directory: how many bytes of memory the records of a stream may take. Beyond it the oldest go, a chunk
    /// of up to 128 KiB at a time.
    pub memory_bytes: usize,
    /// With a directory: how many bytes of memory the newest records may take, to be read without touching the disk.
    pub tail_bytes: usize,
    /// With a directory: how many bytes of it a stream may take; `None` for no bound. Beyond it the oldest segment goes.
    pub disk_bytes: Option<u64>,
    /// With a directory: after how many bytes a new segment is begun.
    pub segment_bytes: u64,
    /// With a directory: how many bytes may wait to be written before further records are refused.
    pub waiting_bytes: usize,
}

/// A chunk of memory has at most so many bytes, unless a single record is longer.
const LARGEST_CHUNK: usize = 128 << 10;

/// A chunk has so many bytes at the start, so that a stream with little in it stays small.
pub(super) const SMALLEST_CHUNK: usize = 4 << 10;

impl Limits {
    /// How much of its records a stream may hold in memory, in bytes.
    pub(super) fn held_bytes(&self, is_kept: bool) -> usize {
        if is_kept { self.tail_bytes } else { self.memory_bytes }
    }

    /// How long a chunk of that memory may be, in bytes: small enough that dropping one leaves most of the rest.
    pub(super) fn chunk_bytes(&self, is_kept: bool) -> usize {
        (self.held_bytes(is_kept) / 16).clamp(SMALLEST_CHUNK, LARGEST_CHUNK)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            tail_bytes: 8 << 20,
            disk_bytes: None,
            segment_bytes: 32 << 20,
            waiting_bytes: 64 << 20,
        }
    }
}
