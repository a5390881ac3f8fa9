//! Messages that go out: credit, windows, frames, and what the receiver says of them.

use bytes::Bytes;

use super::Engine;
use super::event::{DeliveryId, Event, LinkId, Sending};
use super::fault::{Fault, Handled};
use super::link::Link;
use super::session::{Waiting, low};
use crate::codec::{Disposition, Flow, Outcome, Performative, Role, Transfer, condition};
use crate::frame::{AMQP_FRAME, write_frame};

/// What a transfer's frame takes beside the tag and the payload, at most.
const TRANSFER_BYTES: usize = 64;

impl Engine {
    pub(super) fn on_flow(&mut self, channel: u16, flow: &Flow) -> Handled {
        let Some(session) = self.sessions.get_mut(&channel) else { return Ok(()) };
        session.renew_remote_window(flow);
        let mut echo = None;
        if let Some(handle) = flow.handle {
            let Some(link) = session.links.get_mut(&handle) else {
                return Err(Fault::session(channel, condition::UNATTACHED_HANDLE, "the handle has no link"));
            };
            if link.role == Role::Sender && !link.is_detaching() {
                if let Some(credit) = flow.link_credit {
                    // What it has not counted yet of our deliveries is taken off.
                    let on_the_way = link.delivery_count.wrapping_sub(flow.delivery_count.unwrap_or(0));
                    link.credit = credit.saturating_sub(if on_the_way > u32::MAX / 2 { 0 } else { on_the_way });
                }
                link.drain = flow.drain == Some(true);
                let id = LinkId { channel, handle, serial: link.serial };
                if link.is_attached() {
                    self.events.push_back(Event::Credit { link: id });
                }
            }
            echo = link.is_attached().then_some((link.delivery_count, link.credit));
        }
        // Nothing is said of a link before its attach, nor after its detach.
        if flow.echo == Some(true) && echo.is_some() == flow.handle.is_some() {
            let mut answer = session.flow();
            answer.handle = flow.handle;
            answer.delivery_count = echo.map(|(count, _)| count);
            answer.link_credit = echo.map(|(_, credit)| credit);
            self.write(channel, &Performative::Flow(answer));
        }
        let had_waiting = self.sessions.get(&channel).is_some_and(|session| !session.waiting.is_empty());
        self.pump(channel);
        if had_waiting {
            self.tell_room(channel);
        }
        Ok(())
    }

    /// Where deliveries waited for the session's window and do no more, its links may go on.
    pub(super) fn tell_room(&mut self, channel: u16) {
        let Some(session) = self.sessions.get(&channel) else { return };
        if !session.waiting.is_empty() {
            return;
        }
        for (handle, link) in &session.links {
            if link.is_attached() && link.role == Role::Sender && link.credit > 0 {
                self.events.push_back(Event::Credit { link: LinkId { channel, handle: *handle, serial: link.serial } });
            }
        }
    }

    /// How many messages may be sent on the link right now: its credit, or none while something waits before it.
    #[must_use]
    pub fn credit(&self, id: LinkId) -> u32 {
        let Some(session) = self.sessions.get(&id.channel) else { return 0 };
        let link = session.links.get(&id.handle).filter(|link| link.serial == id.serial && link.is_attached());
        let blocked = !session.waiting.is_empty() || self.output.len() >= self.settings.output_high_water;
        let full = session.unsettled.len() >= self.settings.unsettled;
        let may = |link: &&Link| link.role == Role::Sender && !blocked && (link.heedless || !full);
        link.filter(may).map_or(0, |link| link.credit)
    }

    /// Sends a message. Nothing is sent, and nothing returned, where [`Engine::credit`] is 0.
    pub fn send(&mut self, id: LinkId, sending: Sending) -> Option<DeliveryId> {
        if self.credit(id) == 0 {
            return None;
        }
        let session = self.sessions.get_mut(&id.channel)?;
        let link = session.links.get_mut(&id.handle)?;
        link.credit -= 1;
        link.delivery_count = link.delivery_count.wrapping_add(1);
        let delivery = session.next_delivery;
        session.next_delivery += 1;
        if !sending.settled && !link.heedless {
            session.unsettled.insert(delivery, id.handle);
        }
        let Sending { tag, payload, settled } = sending;
        session.waiting.push_back(Waiting { handle: id.handle, delivery, tag, payload, settled });
        self.pump(id.channel);
        Some(DeliveryId(delivery))
    }

    /// Writes what waits, as far as the peer's window goes.
    fn pump(&mut self, channel: u16) {
        let longest = usize::try_from(self.remote.max_frame_size).unwrap_or(usize::MAX);
        self.tell_accepted();
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        while session.remote_window > 0 {
            let Some(waiting) = session.waiting.front_mut() else { break };
            let room = longest.saturating_sub(TRANSFER_BYTES + waiting.tag.len()).max(1);
            let piece: Bytes = waiting.payload.split_to(room.min(waiting.payload.len()));
            let more = !waiting.payload.is_empty();
            let transfer = Transfer {
                handle: waiting.handle,
                delivery_id: Some(low(waiting.delivery)),
                delivery_tag: Some(waiting.tag.clone()),
                message_format: Some(0),
                settled: Some(waiting.settled),
                more: Some(more),
                batchable: Some(true),
                ..Transfer::default()
            };
            write_frame(&mut self.output, AMQP_FRAME, channel, |out| {
                transfer.write(out);
                out.extend_from_slice(&piece);
            });
            session.remote_window -= 1;
            session.next_outgoing_id = session.next_outgoing_id.wrapping_add(1);
            if !more {
                session.waiting.pop_front();
            }
        }
    }

    /// Whether the receiver wants its credit used up at once.
    #[must_use]
    pub fn is_draining(&self, id: LinkId) -> bool {
        let link = self.sessions.get(&id.channel).and_then(|session| session.links.get(&id.handle));
        link.is_some_and(|link| link.serial == id.serial && link.is_attached() && link.drain)
    }

    /// Says that there is nothing more to send now: the credit of a draining link is used up.
    pub fn drained(&mut self, id: LinkId) {
        if !self.is_draining(id) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id.channel) else { return };
        let mut flow = session.flow();
        let Some(link) = session.links.get_mut(&id.handle) else { return };
        link.delivery_count = link.delivery_count.wrapping_add(link.credit);
        link.credit = 0;
        link.drain = false;
        flow.handle = Some(id.handle);
        flow.delivery_count = Some(link.delivery_count);
        flow.link_credit = Some(0);
        flow.available = Some(0);
        flow.drain = Some(true);
        self.write(id.channel, &Performative::Flow(flow));
    }

    /// A disposition may name any range: only deliveries that live are looked at.
    pub(super) fn on_disposition(&mut self, channel: u16, disposition: &Disposition) -> Handled {
        if disposition.role == Role::Sender {
            // What a sender says of its own deliveries: we settle each by ourselves.
            return Ok(());
        }
        let Some(session) = self.sessions.get_mut(&channel) else { return Ok(()) };
        let last = disposition.last.unwrap_or(disposition.first);
        if last.wrapping_sub(disposition.first) > u32::MAX / 2 {
            return Err(Fault::session(
                channel,
                condition::INVALID_FIELD,
                "a range of deliveries ends before it begins",
            ));
        }
        let newest = session.next_delivery.saturating_sub(1);
        // A range may begin before our first delivery, and end after our last.
        let first = session.delivery_of(disposition.first);
        let last = session.delivery_of(last).or_else(|| first.map(|_| newest));
        let (Some(first), Some(last)) = (first.or_else(|| last.map(|_| 0)), last) else { return Ok(()) };
        if first > last {
            return Ok(());
        }
        let settled = disposition.settled == Some(true);
        let terminal = disposition.state.as_ref().is_some_and(Outcome::is_terminal);
        if !settled && !terminal {
            return Ok(());
        }
        let was_full = session.unsettled.len() >= self.settings.unsettled;
        let meant: Vec<(u64, u32)> = session.unsettled.range(first..=last).map(|(id, handle)| (*id, *handle)).collect();
        for (delivery, handle) in meant {
            if settled {
                session.unsettled.remove(&delivery);
            }
            let Some(link) = session.links.get(&handle) else { continue };
            self.events.push_back(Event::Outcome {
                link: LinkId { channel, handle, serial: link.serial },
                delivery: DeliveryId(delivery),
                outcome: disposition.state.clone(),
                settled,
            });
        }
        if was_full {
            self.tell_room(channel);
        }
        Ok(())
    }

    /// Settles a delivery of ours of which the receiver told the outcome and left the rest to us.
    pub fn settle_sent(&mut self, link: LinkId, delivery: DeliveryId, outcome: Outcome) {
        let Some(session) = self.sessions.get_mut(&link.channel) else { return };
        let was_full = session.unsettled.len() >= self.settings.unsettled;
        if session.unsettled.remove(&delivery.0).is_none() {
            return;
        }
        let first = low(delivery.0);
        let (role, settled, state) = (Role::Sender, Some(true), Some(outcome));
        let disposition = Disposition { role, first, last: Some(first), settled, state, batchable: None };
        self.write(link.channel, &Performative::Disposition(disposition));
        if was_full {
            self.tell_room(link.channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Acceptance;
    use super::super::testing::Peer;
    use super::*;

    /// How many messages go out unsettled to a receiver that never says what became of them.
    fn sent_unheard(heedless: bool, rcv_settle_mode: Option<u8>) -> usize {
        let mut peer = Peer::begun();
        let Performative::Attach(mut attach) = Peer::an_attach(Role::Receiver) else { unreachable!() };
        attach.rcv_settle_mode = rcv_settle_mode;
        peer.send(0, Performative::Attach(attach));
        let Some(Event::Attached { link, .. }) = peer.engine.next_event() else { panic!("no attach") };
        peer.engine.accept(link, Acceptance { heedless, ..Acceptance::default() });
        let flow = Flow { incoming_window: 5000, handle: Some(0), link_credit: Some(5000), ..Flow::default() };
        peer.send(0, Performative::Flow(flow));
        let sending = || Sending { tag: Bytes::from_static(b"t"), payload: Bytes::from_static(b"x"), settled: false };
        let mut sent = 0;
        while peer.engine.send(link, sending()).is_some() {
            sent += 1;
            peer.frames();
        }
        sent
    }

    #[test]
    fn so_many_wait_for_their_outcome_and_no_more() {
        assert_eq!(sent_unheard(false, None), 2048);
        assert_eq!(sent_unheard(true, Some(1)), 2048);
    }

    #[test]
    fn a_receiver_that_settles_by_itself_need_not_say_so_where_it_changes_nothing() {
        assert_eq!(sent_unheard(true, None), 5000);
        assert_eq!(sent_unheard(true, Some(0)), 5000);
    }
}
