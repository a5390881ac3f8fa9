//! SUBSCRIBE and UNSUBSCRIBE (sections 3.8 and 3.10). Their filters are checked at once and read again one by one.

use super::reader::Reader;
use super::{Malformed, malformed};

/// A client asks for topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The packet identifier.
    pub packet_id: u16,
    filters: &'a [u8],
}

impl<'a> Subscribe<'a> {
    /// Each filter, and the QoS asked for (0 to 2), in the order sent.
    pub fn filters(&self) -> impl Iterator<Item = (&'a str, u8)> + use<'a> {
        let mut body = Reader::new(self.filters);
        // They were all read once, by `decode`.
        std::iter::from_fn(move || Some((body.text().ok()?, body.byte().ok()?)))
    }
}

/// A client no longer wants topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// The packet identifier.
    pub packet_id: u16,
    filters: &'a [u8],
}

impl<'a> Unsubscribe<'a> {
    /// Each filter, in the order sent.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut body = Reader::new(self.filters);
        std::iter::from_fn(move || body.text().ok())
    }
}

pub(super) fn decode(mut body: Reader<'_>) -> Result<Subscribe<'_>, Malformed> {
    let packet_id = body.packet_id()?;
    let filters = body.rest();
    if body.is_empty() {
        return Err(malformed("MQTT-3.8.3-3", "SUBSCRIBE names no filter"));
    }
    while !body.is_empty() {
        check_filter(body.text()?)?;
        if body.byte()? > 2 {
            return Err(malformed("MQTT-3.8.3-4", "a requested QoS has reserved bits set, or is 3"));
        }
    }
    Ok(Subscribe { packet_id, filters })
}

pub(super) fn decode_unsubscribe(mut body: Reader<'_>) -> Result<Unsubscribe<'_>, Malformed> {
    let packet_id = body.packet_id()?;
    let filters = body.rest();
    if body.is_empty() {
        return Err(malformed("MQTT-3.10.3-2", "UNSUBSCRIBE names no filter"));
    }
    while !body.is_empty() {
        check_filter(body.text()?)?;
    }
    Ok(Unsubscribe { packet_id, filters })
}

/// Whether a text can be a topic filter: wildcards stand alone in their level, and `#` in the last one.
fn check_filter(filter: &str) -> Result<(), Malformed> {
    if filter.is_empty() {
        return Err(malformed("MQTT-4.7.3-1", "a filter is empty"));
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err(malformed("MQTT-4.7.1-2", "`#` is not a filter's last level on its own"));
        }
        if level.contains('+') && level != "+" {
            return Err(malformed("MQTT-4.7.1-3", "`+` shares its level"));
        }
    }
    Ok(())
}
