//! A peer for tests: it speaks frames to an engine and reads what comes back.

use bytes::{Buf, Bytes, BytesMut};

use super::{Acceptance, Engine, Event, LinkId, Settings};
use crate::codec::{Attach, Begin, Described, Open, Outcome, Performative, Reader, Role, Transfer, Value};
use crate::frame::{AMQP_FRAME, AMQP_HEADER, SASL_HEADER, next_frame, write_frame};

pub(super) struct Peer {
    pub(super) engine: Engine,
    read: BytesMut,
}

impl Peer {
    pub(super) fn silent() -> Self {
        Self { engine: Engine::new(Settings::default()), read: BytesMut::new() }
    }

    /// The AMQP header was exchanged.
    pub(super) fn greeted() -> Self {
        let mut peer = Self::silent();
        peer.engine.receive(&AMQP_HEADER);
        peer
    }

    /// The connection is open, and its events and frames are read.
    pub(super) fn open() -> Self {
        let mut peer = Self::greeted();
        peer.send(0, Self::an_open());
        peer.clear();
        peer.engine.trust();
        peer
    }

    /// Channel 0 has a session.
    pub(super) fn begun() -> Self {
        let mut peer = Self::open();
        peer.send(0, Self::a_begin());
        peer.clear();
        peer
    }

    /// Handle 0 has a link on which the peer does `role`, attached.
    pub(super) fn attached(role: Role) -> (Self, LinkId) {
        let mut peer = Self::begun();
        peer.send(0, Self::an_attach(role));
        let Some(Event::Attached { link, .. }) = peer.engine.next_event() else { panic!("no attach") };
        peer.engine.accept(link, Acceptance { window: 10, max_message_size: 1000, ..Acceptance::default() });
        peer.clear();
        (peer, link)
    }

    pub(super) fn an_open() -> Performative {
        Performative::Open(Box::new(Open {
            container_id: "peer".into(),
            hostname: Some("localhost".into()),
            max_frame_size: Some(512),
            ..Open::default()
        }))
    }

    pub(super) fn a_begin() -> Performative {
        Performative::Begin(Box::new(Begin { incoming_window: 100, outgoing_window: 100, ..Begin::default() }))
    }

    pub(super) fn an_attach(role: Role) -> Performative {
        let terminus = |code| {
            let value = Value::List(vec![Value::string("/x")]);
            Value::Described(Box::new(Described { descriptor: Value::Ulong(code), value }))
        };
        Performative::Attach(Box::new(Attach {
            name: "link".into(),
            role,
            source: terminus(0x28),
            target: terminus(0x29),
            initial_delivery_count: (role == Role::Sender).then_some(0),
            ..Attach::default()
        }))
    }

    pub(super) fn a_transfer(id: u32) -> Transfer {
        Transfer { delivery_id: Some(id), delivery_tag: Some(Bytes::from_static(b"t")), ..Transfer::default() }
    }

    pub(super) fn send(&mut self, channel: u16, performative: Performative) {
        self.send_with(channel, performative, &[]);
    }

    pub(super) fn send_with(&mut self, channel: u16, performative: Performative, payload: &[u8]) {
        let mut out = BytesMut::new();
        write_frame(&mut out, AMQP_FRAME, channel, |out| {
            performative.write(out);
            out.extend_from_slice(payload);
        });
        self.engine.receive(&out);
    }

    /// What the engine wrote since the last look, without headers.
    pub(super) fn frames(&mut self) -> Vec<(Performative, Bytes)> {
        self.read.extend_from_slice(&self.engine.take_output());
        let mut found = Vec::new();
        loop {
            if self.read.starts_with(&AMQP_HEADER) || self.read.starts_with(&SASL_HEADER) {
                self.read.advance(8);
                continue;
            }
            let Some(frame) = next_frame(&mut self.read, 65_536).unwrap() else { return found };
            if frame.body.is_empty() {
                continue;
            }
            let mut reader = Reader::new(frame.body);
            let performative = Performative::read(&mut reader).unwrap();
            found.push((performative, reader.rest()));
        }
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.engine.next_event()).collect()
    }

    pub(super) fn clear(&mut self) {
        self.frames();
        self.events();
    }

    /// What was written, in few words: the performatives, with the condition of an error or the state of a disposition.
    pub(super) fn answer(&mut self) -> String {
        let words: Vec<String> = self.frames().iter().map(|(performative, _)| word(performative)).collect();
        words.join(" ")
    }
}

fn word(performative: &Performative) -> String {
    let (name, error) = match performative {
        Performative::Open(_) => ("open", None),
        Performative::Begin(_) => ("begin", None),
        Performative::Attach(attach) if attach.source == Value::Null => ("attach-to-nothing", None),
        Performative::Attach(_) => ("attach", None),
        Performative::Flow(_) => ("flow", None),
        Performative::Transfer(_) => ("transfer", None),
        Performative::Disposition(disposition) => match disposition.state {
            Some(Outcome::Accepted) => ("accepted", None),
            _ => ("disposition", None),
        },
        Performative::Detach(detach) => ("detach", detach.error.as_ref()),
        Performative::End(end) => ("end", end.error.as_ref()),
        Performative::Close(close) => ("close", close.error.as_ref()),
    };
    error.map_or_else(|| name.to_owned(), |error| format!("{name}({})", error.condition.0))
}
