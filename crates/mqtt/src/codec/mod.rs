//! Bytes to packets and back: MQTT 3.1.1, strictly, and only what a server gets and sends.
//!
//! Decoding borrows from what was read and allocates nothing, whatever length a packet declares. Anything the standard
//! forbids is [`Malformed`] and names its clause; the connection ends without an answer (MQTT-4.8.0-1).

mod connect;
mod frame;
mod publish;
mod reader;
mod subscribe;
#[cfg(test)]
mod tests;
mod write;

pub use connect::{Connect, Will};
pub use frame::{Frame, frame};
pub use publish::Publish;
pub use subscribe::{Subscribe, Unsubscribe};
pub use write::{connack, pingresp, puback, publish, suback, unsuback};

use reader::Reader;

/// A packet from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT of this protocol.
    Connect(Connect<'a>),
    /// CONNECT of another level of the protocol: 3.1, 5, or one that does not exist.
    OtherProtocol,
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK, with its packet identifier.
    PubAck(u16),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// PINGREQ.
    PingReq,
    /// DISCONNECT.
    Disconnect,
}

/// What is wrong with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The clause of MQTT 3.1.1 that it breaks, without the brackets.
    pub clause: &'static str,
    /// How it breaks it, in our words.
    pub what: &'static str,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.what, self.clause)
    }
}

impl std::error::Error for Malformed {}

const fn malformed(clause: &'static str, what: &'static str) -> Malformed {
    Malformed { clause, what }
}

/// Reads the packet of a whole frame.
pub fn decode(frame: Frame<'_>) -> Result<Packet<'_>, Malformed> {
    let body = Reader::new(frame.body);
    match frame.first >> 4 {
        1 => connect::decode(body),
        3 => publish::decode(frame.first, body).map(Packet::Publish),
        4 => packet_id_alone(body).map(Packet::PubAck),
        8 => subscribe::decode(body).map(Packet::Subscribe),
        10 => subscribe::decode_unsubscribe(body).map(Packet::Unsubscribe),
        12 => empty(body, Packet::PingReq),
        _ => empty(body, Packet::Disconnect),
    }
}

fn packet_id_alone(mut body: Reader<'_>) -> Result<u16, Malformed> {
    let id = body.packet_id()?;
    body.end()?;
    Ok(id)
}

fn empty<'a>(body: Reader<'a>, packet: Packet<'a>) -> Result<Packet<'a>, Malformed> {
    body.end()?;
    Ok(packet)
}
