//! One end of a link: ours (part 2, section 2.6).

use std::sync::Arc;

use bytes::BytesMut;
use iolite_messaging::Share;

use crate::codec::{Attach, Role};

/// Where a link stands.
#[derive(Debug)]
pub(super) enum LinkState {
    /// The peer asked; nothing is decided.
    Asked(Arc<Attach>),
    /// Attached.
    Attached,
    /// We sent detach; the peer's is awaited and all else is dropped.
    Detaching,
}

/// Our end of a link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) serial: u32,
    pub(super) state: LinkState,
    /// What we do on it.
    pub(super) role: Role,
    pub(super) delivery_count: u32,
    /// As receiver, what the peer may still send; as sender, what we may.
    pub(super) credit: u32,
    /// As sender: whether the credit is to be used up at once.
    pub(super) drain: bool,
    /// As sender: whether nothing is kept of what was sent, whatever becomes of it.
    pub(super) heedless: bool,
    /// As receiver: how many deliveries may be under way.
    pub(super) window: u32,
    /// As receiver: deliveries that are not settled yet.
    pub(super) outstanding: u32,
    /// As receiver: the largest message.
    pub(super) max_message_size: usize,
    /// As receiver: a delivery of which more follows.
    pub(super) partial: Option<Box<Partial>>,
}

/// A delivery of which more follows.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) id: u32,
    pub(super) format: u32,
    pub(super) settled: bool,
    pub(super) payload: BytesMut,
    pub(super) share: Share,
}

impl Link {
    pub(super) fn asked(serial: u32, attach: Arc<Attach>) -> Self {
        let role = if attach.role == Role::Sender { Role::Receiver } else { Role::Sender };
        let delivery_count = if role == Role::Receiver { attach.initial_delivery_count.unwrap_or(0) } else { 0 };
        Self {
            serial,
            state: LinkState::Asked(attach),
            role,
            delivery_count,
            credit: 0,
            drain: false,
            heedless: false,
            window: 0,
            outstanding: 0,
            max_message_size: 0,
            partial: None,
        }
    }

    pub(super) const fn is_attached(&self) -> bool {
        matches!(self.state, LinkState::Attached)
    }

    pub(super) const fn is_detaching(&self) -> bool {
        matches!(self.state, LinkState::Detaching)
    }

    /// As receiver: new credit, if enough was used up to be worth a flow.
    pub(super) fn renew_credit(&mut self) -> bool {
        let allowed = self.window.saturating_sub(self.outstanding);
        if self.is_attached() && self.credit <= self.window / 2 && allowed > self.credit {
            self.credit = allowed;
            return true;
        }
        false
    }
}
