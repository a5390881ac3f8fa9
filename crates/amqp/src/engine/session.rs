//! A session: its windows and its links (part 2, section 2.5).

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;

use super::link::Link;
use crate::codec::{Begin, Flow};

/// The id of our first transfer frame on a session.
pub(super) const FIRST_OUTGOING_ID: u32 = 1;
/// How many transfer frames we take before a flow renews them.
pub(super) const INCOMING_WINDOW: u32 = 2048;
/// What we say of our own window: nothing waits for it.
pub(super) const OUTGOING_WINDOW: u32 = 5000;

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// The transfer frame awaited next.
    pub(super) next_incoming_id: u32,
    /// How many transfer frames the peer may still send.
    pub(super) incoming_window: u32,
    /// The id of our next transfer frame.
    pub(super) next_outgoing_id: u32,
    /// How many transfer frames we may still send.
    pub(super) remote_window: u32,
    /// The next delivery of ours; on the wire, its low 32 bits.
    pub(super) next_delivery: u64,
    /// By handle, which is the same on both sides: we only ever answer.
    pub(super) links: HashMap<u32, Link>,
    /// What we sent and nobody settled, with its link's handle.
    pub(super) unsettled: BTreeMap<u64, u32>,
    /// Deliveries that wait for the window, the first perhaps sent in part.
    pub(super) waiting: VecDeque<Waiting>,
    /// Whether we sent end.
    pub(super) ended: bool,
}

/// A delivery of which not all is sent.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) handle: u32,
    pub(super) delivery: u64,
    pub(super) tag: Bytes,
    pub(super) payload: Bytes,
    pub(super) settled: bool,
}

impl Session {
    pub(super) fn new(begin: &Begin) -> Self {
        Self {
            next_incoming_id: begin.next_outgoing_id,
            incoming_window: INCOMING_WINDOW,
            next_outgoing_id: FIRST_OUTGOING_ID,
            remote_window: begin.incoming_window,
            next_delivery: 1,
            links: HashMap::new(),
            unsettled: BTreeMap::new(),
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    /// Our side's state, for a flow.
    pub(super) fn flow(&self) -> Flow {
        Flow {
            next_incoming_id: Some(self.next_incoming_id),
            incoming_window: self.incoming_window,
            next_outgoing_id: self.next_outgoing_id,
            outgoing_window: OUTGOING_WINDOW,
            ..Flow::default()
        }
    }

    /// Takes over what the peer says of its window. Ids are counted in 32 bits and wrap: what it has not seen yet of our
    /// frames is taken off.
    pub(super) fn renew_remote_window(&mut self, flow: &Flow) {
        let seen = flow.next_incoming_id.unwrap_or(FIRST_OUTGOING_ID);
        let on_the_way = self.next_outgoing_id.wrapping_sub(seen);
        self.remote_window =
            flow.incoming_window.saturating_sub(if on_the_way > u32::MAX / 2 { 0 } else { on_the_way });
    }

    /// The delivery of ours that the peer means by `id`, if it could be one that we sent.
    pub(super) fn delivery_of(&self, id: u32) -> Option<u64> {
        let back = low(self.next_delivery).wrapping_sub(id);
        if back == 0 || back > u32::MAX / 2 { None } else { self.next_delivery.checked_sub(back.into()) }
    }
}

/// A delivery's id on the wire.
pub(super) const fn low(delivery: u64) -> u32 {
    (delivery & 0xffff_ffff) as u32
}
