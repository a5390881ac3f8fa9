//! Frames and protocol headers (part 2, sections 2.2 and 2.3): where one ends and the next begins.
//!
//! A frame is taken only when it is there as a whole and within the limit; nothing is reserved for one that is announced.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The longest frame we take and send, in bytes.
pub const MAXIMUM_FRAME_SIZE: u32 = 64 * 1024;
/// The shortest limit on frames that a peer may ask for.
pub const MINIMUM_FRAME_SIZE: u32 = 512;
/// The header that begins SASL.
pub const SASL_HEADER: [u8; 8] = *b"AMQP\x03\x01\x00\x00";
/// The header that begins AMQP itself.
pub const AMQP_HEADER: [u8; 8] = *b"AMQP\x00\x01\x00\x00";

/// The kind of a frame that carries a performative.
pub const AMQP_FRAME: u8 = 0;
/// The kind of a frame that carries SASL.
pub const SASL_FRAME: u8 = 1;

const HEADER_BYTES: usize = 8;

/// A frame, its body not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// [`AMQP_FRAME`], [`SASL_FRAME`] or something unknown.
    pub kind: u8,
    /// The channel; nothing in a SASL frame.
    pub channel: u16,
    /// What follows the (extended) header; empty in a frame that only shows life.
    pub body: Bytes,
}

/// A frame that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError(pub &'static str);

/// Takes the next frame off `input`, if all of it is there. No frame is longer than `limit` bytes.
pub fn next_frame(input: &mut BytesMut, limit: u32) -> Result<Option<Frame>, FrameError> {
    let Some((size, rest)) = input.split_first_chunk() else { return Ok(None) };
    let size = u32::from_be_bytes(*size);
    if size > limit {
        return Err(FrameError("a frame is longer than was agreed"));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size < HEADER_BYTES {
        return Err(FrameError("a frame is shorter than its header"));
    }
    let Some(&[offset, kind, high, low]) = rest.first_chunk() else { return Ok(None) };
    let offset = usize::from(offset) * 4;
    if offset < HEADER_BYTES || offset > size {
        return Err(FrameError("a frame's body begins outside of it"));
    }
    if input.len() < size {
        return Ok(None);
    }
    let mut body = input.split_to(size).freeze();
    body.advance(offset);
    Ok(Some(Frame { kind, channel: u16::from_be_bytes([high, low]), body }))
}

/// Appends a frame whose body `write` makes. The caller keeps within the peer's limit.
pub fn write_frame(out: &mut BytesMut, kind: u8, channel: u16, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_slice(&[2, kind]);
    out.put_u16(channel);
    write(out);
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        next_frame(&mut BytesMut::from(bytes), 512)
    }

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let mut out = BytesMut::new();
        write_frame(&mut out, AMQP_FRAME, 7, |out| out.put_slice(b"body"));
        for end in 0..out.len() {
            assert_eq!(take(&out[..end]), Ok(None));
        }
        let frame = Frame { kind: AMQP_FRAME, channel: 7, body: Bytes::from_static(b"body") };
        assert_eq!(take(&out), Ok(Some(frame)));
    }

    #[test]
    fn an_extended_header_is_skipped() {
        let frame = take(&[0, 0, 0, 13, 3, 0, 0, 0, 1, 2, 3, 4, 9]).unwrap().unwrap();
        assert_eq!(frame.body, Bytes::from_static(&[9]));
    }

    #[test]
    fn sizes_and_offsets_that_cannot_be_are_refused_at_once() {
        for size in 0..8 {
            assert!(take(&[0, 0, 0, size, 2, 0, 0, 0]).is_err());
        }
        assert!(take(&[0, 0, 2, 1]).is_err(), "one byte more than agreed");
        assert!(take(&[0x80, 0, 0, 0]).is_err());
        assert!(take(&[0, 0, 0, 8, 0, 0, 0, 0]).is_err());
        assert!(take(&[0, 0, 0, 8, 1, 0, 0, 0]).is_err());
        assert!(take(&[0, 0, 0, 16, 255, 0, 0, 0]).is_err());
    }
}
