//! The nine performatives (part 2, section 2.7).

use bytes::{Bytes, BytesMut};

use super::composite::{composite, read_composite};
use super::error::AmqpError;
use super::outcome::Outcome;
use super::read::{DecodeError, Reader};
use super::value::{Described, Map, Symbol, Symbols, Value};

/// Which end of a link speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// It sends messages.
    #[default]
    Sender,
    /// It receives messages.
    Receiver,
}

composite! {
    /// Begins a connection.
    Open = 0x10 {
        /// The name of the container.
        container_id: Box<str>,
        /// The host that is meant.
        hostname: Option<Box<str>>,
        /// The longest frame it takes, in bytes.
        max_frame_size: Option<u32>,
        /// The highest channel.
        channel_max: Option<u16>,
        /// Silence after which it hangs up, in milliseconds.
        idle_time_out: Option<u32>,
        /// Locales of what it sends.
        outgoing_locales: Symbols,
        /// Locales of what it takes.
        incoming_locales: Symbols,
        /// What it can do.
        offered_capabilities: Symbols,
        /// What it hopes for.
        desired_capabilities: Symbols,
        /// More, by name.
        properties: Option<Map>,
    }
}

composite! {
    /// Begins a session on a channel.
    Begin = 0x11 {
        /// The channel of the begin that this answers.
        remote_channel: Option<u16>,
        /// The id its next transfer frame will have.
        next_outgoing_id: u32,
        /// How many transfer frames it takes.
        incoming_window: u32,
        /// How many transfer frames it may send.
        outgoing_window: u32,
        /// The highest handle.
        handle_max: Option<u32>,
        /// What it can do.
        offered_capabilities: Symbols,
        /// What it hopes for.
        desired_capabilities: Symbols,
        /// More, by name.
        properties: Option<Map>,
    }
}

composite! {
    /// Attaches a link to a session.
    Attach = 0x12 {
        /// The link's name.
        name: Box<str>,
        /// Its handle at the side that sends this.
        handle: u32,
        /// What the side that sends this does.
        role: Role,
        /// 0 unsettled, 1 settled, 2 mixed.
        snd_settle_mode: Option<u8>,
        /// 0 first, 1 second.
        rcv_settle_mode: Option<u8>,
        /// Where messages come from.
        source: Value,
        /// Where they go.
        target: Value,
        /// Deliveries of an earlier life of the link.
        unsettled: Option<Map>,
        /// Whether those are not all.
        incomplete_unsettled: Option<bool>,
        /// Where a sender begins to count.
        initial_delivery_count: Option<u32>,
        /// The largest message taken, in bytes.
        max_message_size: Option<u64>,
        /// What it can do.
        offered_capabilities: Symbols,
        /// What it hopes for.
        desired_capabilities: Symbols,
        /// More, by name.
        properties: Option<Map>,
    }
}

composite! {
    /// Tells the state of a session and of one of its links.
    Flow = 0x13 {
        /// The transfer frame awaited next.
        next_incoming_id: Option<u32>,
        /// How many transfer frames it takes.
        incoming_window: u32,
        /// The id its next transfer frame will have.
        next_outgoing_id: u32,
        /// How many transfer frames it may send.
        outgoing_window: u32,
        /// The link, if it is about one.
        handle: Option<u32>,
        /// Deliveries counted on the link.
        delivery_count: Option<u32>,
        /// Deliveries that may follow.
        link_credit: Option<u32>,
        /// Deliveries that wait at the sender.
        available: Option<u32>,
        /// Whether credit is to be used up at once.
        drain: Option<bool>,
        /// Whether an answer is wanted.
        echo: Option<bool>,
        /// More, by name.
        properties: Option<Map>,
    }
}

composite! {
    /// Carries a message, or a part of one.
    Transfer = 0x14 {
        /// The link.
        handle: u32,
        /// The delivery, on its first frame.
        delivery_id: Option<u32>,
        /// The sender's name for the delivery.
        delivery_tag: Option<Bytes>,
        /// The form of the payload; 0 is a message of the standard.
        message_format: Option<u32>,
        /// Whether nothing needs to be said of it.
        settled: Option<bool>,
        /// Whether more of the same delivery follows.
        more: Option<bool>,
        /// 0 first, 1 second.
        rcv_settle_mode: Option<u8>,
        /// The delivery's state at the sender.
        state: Value,
        /// Whether it takes up an earlier delivery.
        resume: Option<bool>,
        /// Whether the delivery is called off.
        aborted: Option<bool>,
        /// Whether an answer may wait.
        batchable: Option<bool>,
    }
}

composite! {
    /// Tells what became of deliveries.
    Disposition = 0x15 {
        /// What the side that sends this does.
        role: Role,
        /// The first delivery meant.
        first: u32,
        /// The last one; the same where absent.
        last: Option<u32>,
        /// Whether the side that sends this is done with them.
        settled: Option<bool>,
        /// What became of them.
        state: Option<Outcome>,
        /// Whether an answer may wait.
        batchable: Option<bool>,
    }
}

composite! {
    /// Ends a link.
    Detach = 0x16 {
        /// The link.
        handle: u32,
        /// Whether it is not only laid aside.
        closed: Option<bool>,
        /// Why.
        error: Option<AmqpError>,
    }
}

composite! {
    /// Ends a session.
    End = 0x17 {
        /// Why.
        error: Option<AmqpError>,
    }
}

composite! {
    /// Ends a connection.
    Close = 0x18 {
        /// Why.
        error: Option<AmqpError>,
    }
}

/// Any performative.
#[derive(Debug, Clone, PartialEq)]
pub enum Performative {
    /// Begins a connection.
    Open(Box<Open>),
    /// Begins a session.
    Begin(Box<Begin>),
    /// Attaches a link.
    Attach(Box<Attach>),
    /// Tells states.
    Flow(Flow),
    /// Carries a message.
    Transfer(Transfer),
    /// Tells outcomes.
    Disposition(Disposition),
    /// Ends a link.
    Detach(Detach),
    /// Ends a session.
    End(End),
    /// Ends a connection.
    Close(Close),
}

impl Performative {
    /// Reads the performative at the front of a frame's body.
    pub fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (code, fields) = read_composite(reader)?;
        Ok(match code {
            Open::CODE => Self::Open(Box::new(Open::read(fields)?)),
            Begin::CODE => Self::Begin(Box::new(Begin::read(fields)?)),
            Attach::CODE => Self::Attach(Box::new(Attach::read(fields)?)),
            Flow::CODE => Self::Flow(Flow::read(fields)?),
            Transfer::CODE => Self::Transfer(Transfer::read(fields)?),
            Disposition::CODE => Self::Disposition(Disposition::read(fields)?),
            Detach::CODE => Self::Detach(Detach::read(fields)?),
            End::CODE => Self::End(End::read(fields)?),
            Close::CODE => Self::Close(Close::read(fields)?),
            _ => return Err(DecodeError("a performative is unknown")),
        })
    }

    /// Appends it.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Open(open) => open.write(out),
            Self::Begin(begin) => begin.write(out),
            Self::Attach(attach) => attach.write(out),
            Self::Flow(flow) => flow.write(out),
            Self::Transfer(transfer) => transfer.write(out),
            Self::Disposition(disposition) => disposition.write(out),
            Self::Detach(detach) => detach.write(out),
            Self::End(end) => end.write(out),
            Self::Close(close) => close.write(out),
        }
    }
}

impl Attach {
    /// A client's wish for a link that sends to, or receives from, the node at `address`; its own end is called `mine`. The
    /// emulator begins no link itself: this is for those who speak to it.
    #[must_use]
    pub fn to(handle: u32, role: Role, address: &str) -> Self {
        let (source, target) = if role == Role::Sender { ("mine", address) } else { (address, "mine") };
        Self {
            name: format!("link-{handle}").into(),
            handle,
            role,
            source: terminus(0x28, source),
            target: terminus(0x29, target),
            initial_delivery_count: (role == Role::Sender).then_some(0),
            ..Self::default()
        }
    }

    /// The address of the source or target that the peer names: where it sends to, or receives from.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        terminus_field(if self.role == Role::Sender { &self.target } else { &self.source }, 0)?.as_text()
    }

    /// The address of the target, whoever names it.
    #[must_use]
    pub fn target_address(&self) -> Option<&str> {
        terminus_field(&self.target, 0)?.as_text()
    }

    /// The filter of the source.
    #[must_use]
    pub fn filter(&self) -> Option<&Map> {
        match terminus_field(&self.source, 7)? {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether the peer wants an address made for it.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        let terminus = if self.role == Role::Sender { &self.target } else { &self.source };
        terminus_field(terminus, 4) == Some(&Value::Boolean(true))
    }

    /// The text of the link property `name`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.as_ref()?.text(name)
    }

    /// Whether the peer desires the capability `name`.
    #[must_use]
    pub fn desires(&self, name: &str) -> bool {
        self.desired_capabilities.0.iter().any(|Symbol(known)| **known == *name)
    }
}

/// A source (0x28) or target (0x29) of which only the address is told.
fn terminus(descriptor: u64, address: &str) -> Value {
    let value = Value::List(vec![Value::string(address)]);
    Value::Described(Box::new(Described { descriptor: Value::Ulong(descriptor), value }))
}

/// A field of a source or target (part 3, sections 3.5.3 and 3.5.4: both have the address first and `dynamic` fifth).
fn terminus_field(terminus: &Value, index: usize) -> Option<&Value> {
    let Value::Described(described) = terminus else { return None };
    let Value::List(fields) = &described.value else { return None };
    fields.get(index)
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    fn written(performative: &Performative) -> Bytes {
        let mut out = BytesMut::new();
        performative.write(&mut out);
        out.freeze()
    }

    /// Python's azure-eventhub reads by position: each performative has all its fields.
    #[test]
    fn every_performative_is_written_in_full_length() {
        let open = Open { container_id: "x".into(), ..Open::default() };
        for (performative, code, count) in [
            (Performative::Open(Box::new(open)), 0x10, 10),
            (Performative::Begin(Box::default()), 0x11, 8),
            (Performative::Attach(Box::default()), 0x12, 14),
            (Performative::Flow(Flow::default()), 0x13, 11),
            (Performative::Transfer(Transfer::default()), 0x14, 11),
            (Performative::Disposition(Disposition::default()), 0x15, 6),
            (Performative::Detach(Detach::default()), 0x16, 3),
            (Performative::End(End::default()), 0x17, 1),
            (Performative::Close(Close { error: Some(AmqpError::new("x", "y")) }), 0x18, 1),
        ] {
            let bytes = written(&performative);
            assert_eq!(bytes[..4], [0, 0x53, code, 0xc0], "{performative:?}");
            assert_eq!(usize::from(bytes[4]), bytes.len() - 5, "{performative:?}");
            assert_eq!(bytes[5], count, "{performative:?}");
            let mut reader = Reader::new(bytes.clone());
            assert_eq!(Performative::read(&mut reader), Ok(performative));
            assert_eq!(reader.rest().remaining(), 0);
        }
    }

    #[test]
    fn an_error_has_three_items_and_a_descriptor_of_one_byte() {
        let bytes = written(&Performative::Close(Close { error: Some(AmqpError::new("a", "b")) }));
        assert_eq!(bytes[6..9], [0, 0x53, 0x1d]);
        assert_eq!(bytes[11], 3);
    }

    #[test]
    fn fields_left_out_at_the_end_are_null_and_more_than_there_are_is_refused() {
        let mut short = Reader::new(Bytes::from_static(&[0, 0x53, 0x18, 0x45]));
        assert_eq!(Performative::read(&mut short), Ok(Performative::Close(Close::default())));
        let mut long = Reader::new(Bytes::from_static(&[0, 0x53, 0x18, 0xc0, 3, 2, 0x40, 0x40]));
        assert!(Performative::read(&mut long).is_err());
        let mut missing = Reader::new(Bytes::from_static(&[0, 0x53, 0x10, 0x45]));
        assert!(Performative::read(&mut missing).is_err(), "an open needs its container's name");
    }

    #[test]
    fn a_descriptor_may_be_a_name() {
        let mut bytes = vec![0, 0xa3, 15];
        bytes.extend(b"amqp:close:list");
        bytes.push(0x45);
        assert_eq!(Performative::read(&mut Reader::new(bytes.into())), Ok(Performative::Close(Close::default())));
    }
}
