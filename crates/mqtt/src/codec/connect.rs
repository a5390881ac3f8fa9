//! CONNECT (section 3.1).

use super::reader::Reader;
use super::{Malformed, Packet, malformed};

/// A client's first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The client identifier; may be empty.
    pub client_id: &'a str,
    /// Clean session: nothing is taken over from an earlier connection, and nothing left behind.
    pub clean: bool,
    /// Keep alive, in seconds; 0 is none.
    pub keep_alive: u16,
    /// What to publish when the connection ends without DISCONNECT.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<&'a str>,
    /// The password.
    pub password: Option<&'a [u8]>,
}

/// A last will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Will<'a> {
    /// Where to publish it.
    pub topic: &'a str,
    /// What to publish.
    pub payload: &'a [u8],
    /// At which QoS, 0 to 2.
    pub qos: u8,
    /// Whether it would be retained.
    pub retain: bool,
}

const CLEAN: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USER_NAME: u8 = 0x80;

pub(super) fn decode(mut body: Reader<'_>) -> Result<Packet<'_>, Malformed> {
    let (name, level) = (body.bytes()?, body.byte()?);
    match (name, level) {
        (b"MQTT", 4) => decode_rest(body).map(Packet::Connect),
        (b"MQTT" | b"MQIsdp", _) => Ok(Packet::OtherProtocol),
        _ => Err(malformed("MQTT-3.1.2-1", "the protocol's name is not MQTT")),
    }
}

fn decode_rest(mut body: Reader<'_>) -> Result<Connect<'_>, Malformed> {
    let flags = body.byte()?;
    check_flags(flags)?;
    let keep_alive = body.number()?;
    let client_id = body.text()?;
    let will = if flags & WILL == 0 { None } else { Some(decode_will(flags, &mut body)?) };
    let user_name = if flags & USER_NAME == 0 { None } else { Some(body.text()?) };
    let password = if flags & PASSWORD == 0 { None } else { Some(body.bytes()?) };
    body.end()?;
    Ok(Connect { client_id, clean: flags & CLEAN != 0, keep_alive, will, user_name, password })
}

fn check_flags(flags: u8) -> Result<(), Malformed> {
    if flags & 1 != 0 {
        return Err(malformed("MQTT-3.1.2-3", "the reserved connect flag is set"));
    }
    if flags & WILL == 0 && flags & (WILL_QOS | WILL_RETAIN) != 0 {
        return Err(malformed("MQTT-3.1.2-11", "there is a will's QoS or retain flag, and no will"));
    }
    if flags & WILL_QOS == WILL_QOS {
        return Err(malformed("MQTT-3.1.2-14", "the will's QoS is 3"));
    }
    if flags & USER_NAME == 0 && flags & PASSWORD != 0 {
        return Err(malformed("MQTT-3.1.2-22", "there is a password, and no user name"));
    }
    Ok(())
}

fn decode_will<'a>(flags: u8, body: &mut Reader<'a>) -> Result<Will<'a>, Malformed> {
    let (topic, payload) = (body.text()?, body.bytes()?);
    super::publish::check_topic(topic)?;
    Ok(Will { topic, payload, qos: (flags & WILL_QOS) >> 3, retain: flags & WILL_RETAIN != 0 })
}
