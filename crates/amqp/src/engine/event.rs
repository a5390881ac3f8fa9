//! What the engine tells, and the names under which it is answered.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::{AmqpError, Attach, Map, Open, Outcome, SaslInit};

/// A link. No two links of a connection have the same id, not even one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId {
    pub(super) channel: u16,
    pub(super) handle: u32,
    pub(super) serial: u32,
}

/// A delivery that we sent, unsettled; unique in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub(super) u64);

/// A delivery that we got. Each is settled once, pre-settled ones too: that gives the credit back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The link it came on.
    pub link: LinkId,
    pub(super) id: u32,
    pub(super) settled: bool,
}

/// What the peer said in its open, as far as it matters.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The whole open.
    pub open: Box<Open>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The client chose a SASL mechanism; answered by [`super::Engine::sasl_outcome`].
    Sasl(SaslInit),
    /// The connection is open.
    Opened(Opened),
    /// The peer wants a link; answered by [`super::Engine::accept`] or [`super::Engine::refuse`].
    Attached {
        /// The link.
        link: LinkId,
        /// How it was asked for.
        attach: Arc<Attach>,
    },
    /// A whole message came; answered by [`super::Engine::settle`].
    Delivery {
        /// Under what to settle it.
        ticket: Ticket,
        /// Its form; 0 is a message of the standard.
        format: u32,
        /// Its bytes.
        payload: Bytes,
    },
    /// On a link that we send on there is credit, or a wish to use it up at once.
    Credit {
        /// The link.
        link: LinkId,
    },
    /// The receiver says what became of a delivery. Where it is not `settled` yet, answered by
    /// [`super::Engine::settle_sent`].
    Outcome {
        /// The link.
        link: LinkId,
        /// The delivery.
        delivery: DeliveryId,
        /// What became of it; nothing where the receiver only forgot it.
        outcome: Option<Outcome>,
        /// Whether the receiver is done with it.
        settled: bool,
    },
    /// A link is gone, whoever ended it.
    Detached {
        /// The link.
        link: LinkId,
    },
    /// The peer closed the connection.
    Closed {
        /// Why.
        error: Option<AmqpError>,
    },
}

/// How a link is accepted.
#[derive(Debug, Clone, Default)]
pub struct Acceptance {
    /// Where the peer sends: how many deliveries may be under way at once.
    pub window: u32,
    /// Where the peer sends: the largest message, in bytes.
    pub max_message_size: usize,
    /// Where we send: whether all is sent settled.
    pub settled: bool,
    /// Where we send: whether outcomes change nothing. A receiver that settles by itself is then not waited for, as the
    /// Python SDK's reader of events never says that it did.
    pub heedless: bool,
    /// Link properties of ours.
    pub properties: Option<Map>,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Our name for the delivery, at most 32 bytes.
    pub tag: Bytes,
    /// The message's bytes.
    pub payload: Bytes,
    /// Whether nothing needs to be said of it.
    pub settled: bool,
}

impl LinkId {
    /// Whether both are links of one session.
    #[must_use]
    pub const fn same_session(self, other: Self) -> bool {
        self.channel == other.channel
    }
}
