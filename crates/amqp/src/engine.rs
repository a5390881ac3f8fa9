//! The AMQP 1.0 connection, without I/O: bytes in, events out; commands in, bytes out.
//!
//! Driven by `driver`, obeyed to by `service`. It is always the side that was called: it never begins a session or a link
//! of its own. Every performative in every state has an answer, and whatever a peer does costs bounded memory and time:
//! links, sessions and deliveries are limited, and twice as narrow until the peer is trusted ([`Engine::trust`]). It knows
//! no clock: the driver measures silence.

mod attach;
mod connection;
mod event;
mod fault;
mod incoming;
mod intake;
mod link;
mod outgoing;
mod session;
#[cfg(test)]
mod states;
#[cfg(test)]
mod testing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use iolite_messaging::Room;

use crate::codec::{AmqpError, Begin, Open, Performative};
use crate::frame::{AMQP_FRAME, MAXIMUM_FRAME_SIZE, write_frame};
pub use event::{Acceptance, DeliveryId, Event, LinkId, Opened, Sending, Ticket};
use session::Session;

/// What the engine says of itself and allows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the container.
    pub container_id: Box<str>,
    /// The highest channel.
    pub channel_max: u16,
    /// The highest handle of a session.
    pub handle_max: u32,
    /// Silence after which we hang up, in milliseconds.
    pub idle_time_out: u32,
    /// Sessions of a trusted peer.
    pub sessions: usize,
    /// Links of a trusted peer, on all sessions.
    pub links: usize,
    /// Bytes taken from a peer until it is trusted.
    pub bytes_before_trust: usize,
    /// Unsettled deliveries on a session, sent by us.
    pub unsettled: usize,
    /// Bytes of output above which nothing more is sent for now.
    pub output_high_water: usize,
    /// Bytes of messages of which the rest is awaited, on all links.
    pub unfinished: usize,
}

impl Default for Settings {
    /// The hub's own figures for frames and idle time; ours for the rest. A thousand devices may share a connection.
    fn default() -> Self {
        Self {
            container_id: "iolite".into(),
            channel_max: 4095,
            handle_max: 255,
            idle_time_out: 240_000,
            sessions: 2048,
            links: 16_384,
            bytes_before_trust: 64 * 1024,
            unsettled: 2048,
            output_high_water: 256 * 1024,
            unfinished: 8 * 1024 * 1024,
        }
    }
}

/// Sessions of a peer that is not trusted yet.
const SESSIONS_BEFORE_TRUST: usize = 8;
/// Links of a peer that is not trusted yet: two for `$cbs`, and the first that it is for.
const LINKS_BEFORE_TRUST: usize = 16;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was said yet.
    Header,
    /// The mechanisms are offered.
    SaslInit,
    /// What the client showed is being judged.
    SaslJudged,
    /// SASL ended well: the second header is awaited.
    HeaderAfterSasl,
    /// The peer's open is awaited.
    Opening,
    /// Open.
    Open,
    /// We sent close; the peer's is awaited and all else is dropped.
    CloseSent,
    /// Over.
    Closed,
}

/// What the peer said of itself.
#[derive(Debug, Clone, Copy)]
struct Remote {
    max_frame_size: u32,
    idle_time_out: Option<u32>,
}

/// One connection.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    stage: Stage,
    input: BytesMut,
    output: BytesMut,
    events: VecDeque<Event>,
    sessions: HashMap<u16, Session>,
    links: usize,
    /// Counts attaches, so that an answer that comes late meets no other link on the same handle.
    serial: u32,
    remote: Remote,
    trusted: bool,
    /// Whether the connection ends by our doing.
    forced: bool,
    received: usize,
    /// What came of messages that are not whole.
    unfinished: Arc<Room>,
    /// Deliveries accepted one after the other, not yet told: they go out as one disposition.
    accepted: Option<(u16, u32, u32)>,
}

impl Engine {
    /// A connection of which nothing is known.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            unfinished: Arc::new(Room::of(settings.unfinished)),
            settings,
            stage: Stage::Header,
            input: BytesMut::new(),
            output: BytesMut::new(),
            events: VecDeque::new(),
            sessions: HashMap::new(),
            links: 0,
            serial: 0,
            remote: Remote { max_frame_size: MAXIMUM_FRAME_SIZE, idle_time_out: None },
            trusted: false,
            forced: false,
            received: 0,
            accepted: None,
        }
    }

    /// Takes bytes from the peer; events may follow.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Closed {
            return;
        }
        self.received = self.received.saturating_add(bytes.len());
        if !self.trusted && self.received > self.settings.bytes_before_trust {
            self.give_up("more was sent than is taken from an unknown peer");
            return;
        }
        self.input.extend_from_slice(bytes);
        self.run();
    }

    /// The next event.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > 64 {
            self.events.shrink_to_fit();
        }
        event
    }

    /// Takes what is to be written. The driver asks when all that it took before is written.
    pub fn take_output(&mut self) -> Bytes {
        self.tell_accepted();
        let output = std::mem::take(&mut self.output).freeze();
        if output.len() >= self.settings.output_high_water {
            let channels: Vec<u16> = self.sessions.keys().copied().collect();
            for channel in channels {
                self.tell_room(channel);
            }
        }
        output
    }

    /// Whether something is to be written.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty() || self.accepted.is_some()
    }

    /// Whether more may be asked for: what is to be written is below the mark.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.output.len() < self.settings.output_high_water
    }

    /// Whether the peer was let in: the narrow limits no longer hold.
    pub const fn trust(&mut self) {
        self.trusted = true;
    }

    /// Whether [`Engine::trust`] was said.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether the connection was opened by both sides, and not closed by any.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether we sent close, or gave up: what the peer still sends is dropped.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::CloseSent | Stage::Closed)
    }

    /// Whether the connection ends by our doing, and not because the peer closed it.
    #[must_use]
    pub const fn is_forced(&self) -> bool {
        self.forced
    }

    /// Whether all is said: what output is left may be written, and the stream dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// The silence of ours that the peer tolerates, in milliseconds.
    #[must_use]
    pub const fn peer_idle_time_out(&self) -> Option<u32> {
        self.remote.idle_time_out
    }

    /// The silence of the peer that we announced to tolerate, in milliseconds.
    #[must_use]
    pub const fn idle_time_out(&self) -> u32 {
        self.settings.idle_time_out
    }

    /// Shows life: an empty frame.
    pub fn heartbeat(&mut self) {
        if self.stage == Stage::Open {
            write_frame(&mut self.output, AMQP_FRAME, 0, |_| ());
        }
    }

    /// Closes the connection, with an error or without. What was accepted is told before, and sessions are ended first:
    /// Azure's Node clients wait for that, 45 seconds long, and reconnect no earlier.
    pub fn close(&mut self, error: Option<AmqpError>) {
        if self.stage == Stage::Open {
            self.end_sessions(error.as_ref());
        }
        self.shut(error);
    }

    /// Drops the connection without a word to the peer.
    pub fn cut(&mut self) {
        self.forced |= !self.is_ending();
        self.drop_sessions();
        self.output.clear();
        self.stage = Stage::Closed;
    }

    /// Appends a performative's frame. Whatever waited to be told goes first.
    fn write(&mut self, channel: u16, performative: &Performative) {
        self.tell_accepted();
        write_frame(&mut self.output, AMQP_FRAME, channel, |out| performative.write(out));
    }

    fn write_open(&mut self) {
        let open = Open {
            container_id: self.settings.container_id.clone(),
            max_frame_size: Some(MAXIMUM_FRAME_SIZE),
            channel_max: Some(self.settings.channel_max),
            idle_time_out: Some(self.settings.idle_time_out),
            ..Open::default()
        };
        self.write(0, &Performative::Open(Box::new(open)));
    }

    fn write_begin(&mut self, channel: u16) {
        let begin = Begin {
            remote_channel: Some(channel),
            next_outgoing_id: session::FIRST_OUTGOING_ID,
            incoming_window: session::INCOMING_WINDOW,
            outgoing_window: session::OUTGOING_WINDOW,
            handle_max: Some(self.settings.handle_max),
            ..Begin::default()
        };
        self.write(channel, &Performative::Begin(Box::new(begin)));
    }
}
