//! The fixed header: type, flags and remaining length (section 2.2), checked before a packet is waited for.

use super::{Malformed, malformed};

/// A packet whose bytes are all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Type and flags.
    pub first: u8,
    /// What follows the fixed header.
    pub body: &'a [u8],
    /// How many bytes it takes, the fixed header with them.
    pub length: usize,
}

/// The packet at the start of `bytes`, or `None` as long as it is not whole. A packet that no client may send, or that
/// declares more than `limit` bytes, is refused as soon as its header shows it.
pub fn frame(bytes: &[u8], limit: usize) -> Result<Option<Frame<'_>>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    check_first(first)?;
    let mut remaining = 0;
    for (place, &byte) in rest.iter().enumerate() {
        if place == 4 {
            break;
        }
        remaining |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            if remaining > limit {
                return Err(malformed("2.2.3", "the packet is longer than is taken"));
            }
            let body = rest.get(place + 1..place + 1 + remaining);
            return Ok(body.map(|body| Frame { first, body, length: 2 + place + remaining }));
        }
        if place == 3 {
            return Err(malformed("2.2.3", "the remaining length takes more than four bytes"));
        }
    }
    Ok(None)
}

fn check_first(first: u8) -> Result<(), Malformed> {
    match (first >> 4, first & 0x0f) {
        (1 | 4 | 12 | 14, 0) | (3, _) | (8 | 10, 0b0010) => Ok(()),
        (1 | 4 | 12 | 14, _) => Err(malformed("MQTT-2.2.2-2", "the flags of the fixed header are not as reserved")),
        (8, _) => Err(malformed("MQTT-3.8.1-1", "the flags of SUBSCRIBE are not as reserved")),
        (10, _) => Err(malformed("MQTT-3.10.1-1", "the flags of UNSUBSCRIBE are not as reserved")),
        (5..=7, _) => Err(malformed("MQTT-4.3.3-2", "the packet belongs to QoS 2, which the hub does not speak")),
        (2 | 9 | 11 | 13, _) => Err(malformed("2.2.1", "only a server sends such a packet")),
        _ => Err(malformed("2.2.1", "the packet's type is reserved")),
    }
}
