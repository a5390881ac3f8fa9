//! The AMQP engine without any service: every event is answered as the fuzzer chooses, and all that the engine says must
//! be frames that a peer can read, within the peer's limits.

use bytes::{Buf, Bytes, BytesMut};
use iolite_amqp::codec::{AmqpError, Outcome, Performative, Reader, SaslFrame, condition};
use iolite_amqp::engine::{Acceptance, Engine, Event, LinkId, Sending, Settings};
use iolite_amqp::frame::{AMQP_FRAME, AMQP_HEADER, MAXIMUM_FRAME_SIZE, SASL_HEADER, next_frame};
use iolite_amqp::sasl::SaslCode;

use crate::Script;

/// Bits of the script's mode.
pub const TRUSTS: u8 = 1;
const REFUSES: u8 = 2;
const SENDS: u8 = 4;
const SETTLES_LATE: u8 = 8;
const BELIEVES_NOTHING: u8 = 16;

/// Feeds the stream to an engine.
pub fn try_on(bytes: &[u8]) {
    let Some(script) = Script::read(bytes) else { return };
    let mut peer = Peer {
        engine: Engine::new(Settings::default()),
        mode: script.mode,
        links: Vec::new(),
        late: Vec::new(),
        heard: BytesMut::new(),
    };
    for (piece, then) in script.pieces() {
        peer.engine.receive(piece);
        peer.answer();
        peer.turn(then);
        peer.answer();
        peer.listen();
    }
    assert!(peer.heard.is_empty(), "half a frame was said");
}

struct Peer {
    engine: Engine,
    mode: u8,
    links: Vec<LinkId>,
    late: Vec<iolite_amqp::engine::Ticket>,
    heard: BytesMut,
}

impl Peer {
    fn is(&self, bit: u8) -> bool {
        self.mode & bit != 0
    }

    fn answer(&mut self) {
        // Answers bring events of their own, never without end.
        for round in 0.. {
            assert!(round < 100_000, "events without end");
            let Some(event) = self.engine.next_event() else { break };
            self.on(event);
        }
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Sasl(_) => {
                let code = if self.is(BELIEVES_NOTHING) { SaslCode::Auth } else { SaslCode::Ok };
                self.engine.sasl_outcome(code);
            }
            Event::Opened(_) if self.is(TRUSTS) => self.engine.trust(),
            Event::Attached { link, .. } if self.is(REFUSES) => {
                self.engine.refuse(link, AmqpError::new(condition::NOT_FOUND, "no"));
            }
            Event::Attached { link, attach } => {
                let acceptance = Acceptance {
                    window: 10,
                    max_message_size: 64 * 1024,
                    settled: attach.handle & 1 == 1,
                    heedless: attach.handle & 2 == 2,
                    properties: None,
                };
                self.links.push(link);
                self.engine.accept(link, acceptance);
            }
            Event::Delivery { ticket, payload, .. } => {
                assert!(payload.len() <= 64 * 1024, "a message longer than was agreed");
                if self.is(SETTLES_LATE) {
                    self.late.push(ticket);
                } else {
                    self.engine.settle(ticket, Outcome::Accepted);
                }
            }
            Event::Credit { link } => {
                if self.is(SENDS) {
                    self.send(link);
                }
                self.engine.drained(link);
            }
            Event::Outcome { link, delivery, outcome, settled: false } => {
                self.engine.settle_sent(link, delivery, outcome.unwrap_or(Outcome::Released));
            }
            Event::Detached { link } => self.links.retain(|known| *known != link),
            Event::Opened(_) | Event::Outcome { .. } | Event::Closed { .. } => {}
        }
    }

    fn send(&mut self, link: LinkId) {
        for number in 0..3_u8 {
            let payload = Bytes::from(vec![number; 1000 * usize::from(number)]);
            let sending = Sending { tag: Bytes::from(vec![number]), payload, settled: number == 1 };
            let may = self.engine.credit(link) > 0;
            assert!(may || self.engine.send(link, sending.clone()).is_none(), "sent without credit");
            if may {
                self.engine.send(link, sending);
            }
        }
    }

    /// What a service does by itself.
    fn turn(&mut self, which: u8) {
        match which {
            1 => self.engine.heartbeat(),
            2 => {
                for ticket in self.late.drain(..) {
                    self.engine.settle(ticket, Outcome::Released);
                }
            }
            3 => {
                if let Some(link) = self.links.pop() {
                    self.engine.detach(link, None);
                } else {
                    self.engine.close(None);
                }
            }
            _ => {}
        }
    }

    /// Takes what was said; all of it is headers and whole frames of performatives.
    fn listen(&mut self) {
        self.heard.extend_from_slice(&self.engine.take_output());
        loop {
            if self.heard.starts_with(&AMQP_HEADER) || self.heard.starts_with(&SASL_HEADER) {
                self.heard.advance(AMQP_HEADER.len());
            }
            let Some(frame) = next_frame(&mut self.heard, MAXIMUM_FRAME_SIZE).expect("a frame that can be one") else {
                break;
            };
            if frame.body.is_empty() {
                continue;
            }
            if frame.kind == AMQP_FRAME {
                let mut reader = Reader::new(frame.body);
                let performative = Performative::read(&mut reader).expect("a performative that can be read");
                let more = matches!(performative, Performative::Transfer(_));
                assert!(more || reader.is_empty(), "something follows a performative");
            } else {
                SaslFrame::read(frame.body).expect("a SASL frame that can be read");
            }
        }
    }
}
