//! A look at SQLite's write-ahead file before SQLite reads it.
//!
//! SQLite takes the frames up to the first that does not verify and drops the rest without a word. That is right for
//! the write that a crash cut short, and wrong when finished writes stand behind: then something damaged the file, and
//! dropping them would lose what was acknowledged. This tells the two apart. It changes nothing.
//!
//! Source: "The WAL File Format", <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What stands in a write-ahead file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Every write in it is finished.
    Whole,
    /// The last write was not finished: it begins at this byte and takes so many.
    Torn { position: u64, bytes: u64 },
    /// The frame at this byte is damaged, and finished writes stand behind it.
    Damaged { position: u64 },
    /// The file's header is damaged, and frames stand behind it.
    DamagedHeader,
}

/// Walks the file; one that is not there is whole.
pub(super) fn inspect(path: &Path) -> io::Result<Tail> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tail::Whole),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER];
    if length < HEADER as u64 {
        return Ok(if length == 0 { Tail::Whole } else { Tail::Torn { position: 0, bytes: length } });
    }
    reader.read_exact(&mut header)?;
    let Some(header) = Header::read(&header) else {
        // The header is synced before the first frame is written, so a crash tears one or the other, not both.
        return Ok(if length > HEADER as u64 {
            Tail::DamagedHeader
        } else {
            Tail::Torn { position: 0, bytes: length }
        });
    };
    walk(&mut reader, &header, length)
}

fn walk(reader: &mut impl Read, header: &Header, length: u64) -> io::Result<Tail> {
    let mut frame = vec![0; FRAME_HEADER + header.page_size];
    let mut position = HEADER as u64;
    // The first frame goes on from the header, as if that were a frame.
    let mut before = Frame { round: Round::This, is_good: true, is_commit: true, sums: [header.sum; 2] };
    let mut tail = Walked { unfinished: position, end: position, bad: None, is_over: false, before: false };
    while position + frame.len() as u64 <= length {
        reader.read_exact(&mut frame)?;
        let read = Frame::read(&frame, header, &before);
        if let Some(position) = tail.pass(&read, position, frame.len() as u64) {
            return Ok(Tail::Damaged { position });
        }
        position += frame.len() as u64;
        before = read;
    }
    if position < length {
        // Frames are overwritten whole, so a piece of one at the end of the file is one that was being written.
        tail.end = length;
    }
    let (position, bytes) = (tail.unfinished, tail.end - tail.unfinished);
    Ok(if bytes > 0 { Tail::Torn { position, bytes } } else { Tail::Whole })
}

/// What the frames so far tell.
struct Walked {
    /// Where the write begins that no good commit frame has ended.
    unfinished: u64,
    /// Where the last frame of this round through the file ends.
    end: u64,
    /// The first frame that does not verify.
    bad: Option<u64>,
    /// Whether the write that holds the bad frame was seen to end.
    is_over: bool,
    /// Whether the frame before says that it ends a write.
    before: bool,
}

impl Walked {
    /// Takes the next frame; gives the position of the bad one once a finished write is seen to stand behind it.
    ///
    /// Each write is synced before the next begins. So a frame that verifies behind the end of the write that holds the
    /// bad frame proves that this write had been whole on the disk.
    fn pass(&mut self, frame: &Frame, position: u64, size: u64) -> Option<u64> {
        if !frame.is_good {
            self.bad.get_or_insert(position);
        }
        if let Some(bad) = self.bad {
            // A frame that verifies against the one before also vouches for what that one says of itself.
            if frame.is_good && (self.is_over || self.before) {
                return Some(bad);
            }
            self.is_over |= frame.round == Round::This && frame.is_commit;
            self.before = frame.is_commit;
        } else if frame.is_commit {
            self.unfinished = position + size;
        }
        if frame.round != Round::Earlier {
            self.end = position + size;
        }
        None
    }
}

struct Header {
    big_endian: bool,
    page_size: usize,
    /// How often the file was begun anew; the first salt grows by one each time.
    rounds: u32,
    salts: [u32; 2],
    sum: (u32, u32),
}

impl Header {
    fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let magic = word(bytes, 0);
        let big_endian = magic & 1 == 1;
        let sum = checksum(&bytes[..24], big_endian, (0, 0));
        let page_size = usize::try_from(word(bytes, 8)).ok()?;
        let valid = magic & !1 == 0x377f_0682
            && sum == (word(bytes, 24), word(bytes, 28))
            && page_size.is_power_of_two()
            && (512..=65536).contains(&page_size);
        let salts = [word(bytes, 16), word(bytes, 20)];
        valid.then_some(Self { big_endian, page_size, rounds: word(bytes, 12), salts, sum })
    }
}

/// Of which round through the file a frame is: it is overwritten from the front, and older frames stand behind.
#[derive(PartialEq, Eq)]
enum Round {
    This,
    Earlier,
    Unknown,
}

struct Frame {
    round: Round,
    is_good: bool,
    /// It says that it is the last frame of a write.
    is_commit: bool,
    /// The checksum that it carries, and the one that it should carry; the next frame's goes on from there.
    sums: [(u32, u32); 2],
}

impl Frame {
    /// Reads a frame that follows another. Going on from either of its checksums will do: if the frame before is
    /// damaged, one of the two is still what it was.
    fn read(bytes: &[u8], header: &Header, before: &Self) -> Self {
        let salts = [word(bytes, 8), word(bytes, 12)];
        let carried = (word(bytes, 16), word(bytes, 20));
        let follow = |sum| {
            let sum = checksum(&bytes[..8], header.big_endian, sum);
            checksum(&bytes[FRAME_HEADER..], header.big_endian, sum)
        };
        let [told, right] = before.sums;
        let due = follow(told);
        let fits = due == carried || (right != told && follow(right) == carried);
        let round = match header.salts[0].wrapping_sub(salts[0]) {
            0 if salts == header.salts => Round::This,
            // The checksum leaves the salts out: if it goes on from this round's frame, only the salts are damaged.
            ago if (1..=header.rounds).contains(&ago) && !(fits && before.round == Round::This) => Round::Earlier,
            _ => Round::Unknown,
        };
        Self { is_good: round == Round::This && fits, round, is_commit: word(bytes, 4) != 0, sums: [carried, due] }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// SQLite's checksum over pairs of words, in the byte order that the header names.
fn checksum(bytes: &[u8], big_endian: bool, (mut first, mut second): (u32, u32)) -> (u32, u32) {
    let read = |word: [u8; 4]| if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
    for pair in bytes.as_chunks::<4>().0.as_chunks::<2>().0 {
        first = first.wrapping_add(read(pair[0])).wrapping_add(second);
        second = second.wrapping_add(read(pair[1])).wrapping_add(first);
    }
    (first, second)
}
