//! PUBLISH (section 3.3).

use super::reader::Reader;
use super::{Malformed, malformed};

/// A message published by a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Whether it may have been sent before.
    pub duplicate: bool,
    /// 0 to 2.
    pub qos: u8,
    /// Whether it would be retained.
    pub retain: bool,
    /// Where to; without wildcards.
    pub topic: &'a str,
    /// The packet identifier, at QoS 1 and 2.
    pub packet_id: Option<u16>,
    /// The content.
    pub payload: &'a [u8],
}

pub(super) fn decode(first: u8, mut body: Reader<'_>) -> Result<Publish<'_>, Malformed> {
    let (duplicate, qos, retain) = (first & 8 != 0, (first >> 1) & 3, first & 1 != 0);
    if qos == 3 {
        return Err(malformed("MQTT-3.3.1-4", "the QoS is 3"));
    }
    if duplicate && qos == 0 {
        return Err(malformed("MQTT-3.3.1-2", "a message of QoS 0 is marked as sent before"));
    }
    let topic = body.text()?;
    check_topic(topic)?;
    let packet_id = if qos == 0 { None } else { Some(body.packet_id()?) };
    Ok(Publish { duplicate, qos, retain, topic, packet_id, payload: body.rest() })
}

/// Whether a text can be the name of a topic.
pub(super) fn check_topic(topic: &str) -> Result<(), Malformed> {
    if topic.is_empty() {
        return Err(malformed("MQTT-4.7.3-1", "the topic is empty"));
    }
    // Counted, not searched: that way many bytes are looked at together.
    if topic.bytes().filter(|byte| matches!(byte, b'+' | b'#')).count() > 0 {
        return Err(malformed("MQTT-3.3.2-2", "the topic holds a wildcard"));
    }
    Ok(())
}
