//! Packets to bytes: what the hub sends. Each function appends one packet.

/// CONNACK (section 3.2). `code` is the return code, 0 for accepted.
pub fn connack(out: &mut Vec<u8>, session_present: bool, code: u8) {
    // A refusal never speaks of a session (MQTT-3.2.2-4).
    out.extend_from_slice(&[0x20, 2, u8::from(session_present && code == 0), code]);
}

/// PUBACK (section 3.4).
pub fn puback(out: &mut Vec<u8>, packet_id: u16) {
    let [high, low] = packet_id.to_be_bytes();
    out.extend_from_slice(&[0x40, 2, high, low]);
}

/// SUBACK (section 3.9), with the QoS granted to each filter in turn.
pub fn suback(out: &mut Vec<u8>, packet_id: u16, granted: &[u8]) {
    out.push(0x90);
    length(out, 2 + granted.len());
    out.extend_from_slice(&packet_id.to_be_bytes());
    out.extend_from_slice(granted);
}

/// UNSUBACK (section 3.11).
pub fn unsuback(out: &mut Vec<u8>, packet_id: u16) {
    let [high, low] = packet_id.to_be_bytes();
    out.extend_from_slice(&[0xb0, 2, high, low]);
}

/// PINGRESP (section 3.13).
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd0, 0]);
}

/// PUBLISH (section 3.3): at QoS 1 under `packet_id`, or at QoS 0 without one. `false` where the topic is longer than a
/// packet can say, and nothing was appended.
#[must_use]
pub fn publish(out: &mut Vec<u8>, topic: &str, payload: &[u8], packet_id: Option<u16>, duplicate: bool) -> bool {
    let Ok(topic_length) = u16::try_from(topic.len()) else { return false };
    out.push(0x30 | (u8::from(duplicate && packet_id.is_some()) << 3) | (u8::from(packet_id.is_some()) << 1));
    length(out, 2 + topic.len() + if packet_id.is_some() { 2 } else { 0 } + payload.len());
    out.extend_from_slice(&topic_length.to_be_bytes());
    out.extend_from_slice(topic.as_bytes());
    if let Some(id) = packet_id {
        out.extend_from_slice(&id.to_be_bytes());
    }
    out.extend_from_slice(payload);
    true
}

fn length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}
