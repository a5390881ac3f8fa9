//! What a link is for, and what it holds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use iolite_messaging::DeviceBoundSender;

use super::Conversation;
use super::device_bound::DeviceBoundState;
use super::devices::DeviceKey;
use super::events::EventsState;
use super::jobs::Lease;
use super::management::ManagementState;
use super::notices::NoticesState;
use crate::codec::{AmqpError, Outcome, WireMessage, condition};
use crate::engine::{DeliveryId, LinkId, Sending, Ticket};

/// How many answers may wait for a peer that gives no credit.
const MAXIMUM_WAITING: usize = 256;

/// A link that is asked for or attached.
pub(super) struct Link {
    pub(super) kind: Kind,
    /// The `com.microsoft:channel-correlation-id` that makes two links a pair.
    pub(super) pair: Option<Box<str>>,
    /// Where the peer receives: the target it names, to which requests of its own ask for answers.
    pub(super) reply_to: Option<Box<str>>,
    /// Messages that wait for credit.
    pub(super) outbox: VecDeque<Bytes>,
    /// Counts what was sent, as delivery tags.
    pub(super) sent: u64,
    /// What lasts as long as the link.
    pub(super) leases: Vec<Lease>,
}

/// What a link is for.
pub(super) enum Kind {
    /// A door is being asked.
    Waiting,
    /// Tokens come in.
    Cbs,
    /// Answers of `$cbs` go out.
    CbsAnswers,
    /// Questions on an event stream come in.
    Management(ManagementState),
    /// Answers of `$management` go out.
    ManagementAnswers,
    /// Events of a device come in.
    Telemetry(DeviceKey),
    /// Messages to a device go out.
    DeviceBound(Box<DeviceBoundState>),
    /// Requests on a twin come in.
    TwinRequests(Box<Backlog<DeviceKey>>),
    /// Answers on a twin, and its changes, go out.
    TwinAnswers(DeviceKey),
    /// Direct methods go out.
    MethodCalls(DeviceKey),
    /// Answers of direct methods come in.
    MethodAnswers(DeviceKey),
    /// Messages to devices come in from a back end.
    Commands(Box<Backlog<Arc<dyn DeviceBoundSender>>>),
    /// Feedback or file notifications go out.
    Notices(Box<NoticesState>),
    /// Events go out to a reader.
    Events(Box<EventsState>),
}

impl Kind {
    /// The device that the link is for.
    pub(super) fn device(&self) -> Option<&DeviceKey> {
        match self {
            Self::Telemetry(key) | Self::TwinAnswers(key) | Self::MethodCalls(key) | Self::MethodAnswers(key) => {
                Some(key)
            }
            Self::TwinRequests(backlog) => Some(&backlog.of),
            Self::DeviceBound(state) => Some(state.key()),
            _ => None,
        }
    }
}

/// Requests that are worked off one after the other, in the order they came; the link's credit bounds them.
pub(super) struct Backlog<T> {
    pub(super) of: T,
    pub(super) waiting: VecDeque<(Ticket, WireMessage)>,
    pub(super) busy: bool,
}

impl<T> Backlog<T> {
    pub(super) fn of(of: T) -> Self {
        Self { of, waiting: VecDeque::new(), busy: false }
    }
}

/// What was sent under lock and not settled: the lock of each delivery.
pub(super) type Locks = HashMap<DeliveryId, String>;

impl Link {
    pub(super) fn waiting() -> Self {
        Self { kind: Kind::Waiting, pair: None, reply_to: None, outbox: VecDeque::new(), sent: 0, leases: Vec::new() }
    }

    /// The next delivery tag.
    pub(super) fn tag(&mut self) -> Bytes {
        self.sent += 1;
        Bytes::copy_from_slice(&self.sent.to_be_bytes())
    }
}

impl Conversation {
    /// Sends a message on a link, or lets it wait for credit there.
    pub(super) fn post(&mut self, id: LinkId, message: &WireMessage) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.outbox.len() >= MAXIMUM_WAITING {
            let error = AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, "Too many messages wait for credit.");
            return self.engine.detach(id, Some(error));
        }
        link.outbox.push_back(message.to_bytes());
        self.flush(id);
    }

    /// The receiver of what we sent says what became of it.
    pub(super) fn on_outcome(&mut self, id: LinkId, delivery: DeliveryId, outcome: Option<Outcome>, settled: bool) {
        let Some(link) = self.links.get(&id) else { return };
        match (&link.kind, outcome) {
            (Kind::DeviceBound(_), Some(outcome)) => self.settle_device_bound(id, delivery, outcome, settled),
            (Kind::Notices(_), Some(outcome)) => self.settle_notice(id, delivery, outcome, settled),
            // Forgotten without a word: the lock ends by itself.
            (_, None) => {}
            (_, Some(outcome)) => {
                if !settled {
                    self.engine.settle_sent(id, delivery, outcome);
                }
                self.on_credit(id);
            }
        }
    }

    /// Sends what waits, as far as the credit goes.
    pub(super) fn flush(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        while self.engine.credit(id) > 0 {
            let Some(payload) = link.outbox.pop_front() else { break };
            let tag = link.tag();
            self.engine.send(id, Sending { tag, payload, settled: true });
        }
        if link.outbox.is_empty() {
            self.engine.drained(id);
        }
    }

    /// The link of `wanted` kind on which an answer to a request on `on` goes: in the same session, and to the named
    /// target where one is named.
    pub(super) fn answering(
        &self,
        on: LinkId,
        reply_to: Option<&str>,
        wanted: impl Fn(&Kind) -> bool,
    ) -> Option<LinkId> {
        let candidates = || self.links.iter().filter(|(_, link)| wanted(&link.kind)).map(|(id, link)| (*id, link));
        let named = |link: &Link| reply_to.is_some() && link.reply_to.as_deref() == reply_to;
        candidates()
            .find(|(id, link)| id.same_session(on) && named(link))
            .or_else(|| candidates().find(|(_, link)| named(link)))
            .or_else(|| candidates().find(|(id, _)| id.same_session(on)))
            .or_else(|| candidates().next())
            .map(|(id, _)| id)
    }
}
