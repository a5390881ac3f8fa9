//! Messages that come in: credit, assembly, and what we say of them.

use bytes::{Bytes, BytesMut};
use iolite_messaging::{Share, UNFINISHED};

use super::event::{Event, LinkId, Ticket};
use super::fault::{Fault, Handled};
use super::link::{LinkState, Partial};
use super::session::INCOMING_WINDOW;
use super::{Engine, Stage};
use crate::codec::{Disposition, Outcome, Performative, Role, Transfer, condition};

impl Engine {
    pub(super) fn on_transfer(&mut self, channel: u16, transfer: Transfer, payload: Bytes) -> Handled {
        let Some(session) = self.sessions.get_mut(&channel) else { return Ok(()) };
        if session.incoming_window == 0 {
            return Err(Fault::session(
                channel,
                condition::WINDOW_VIOLATION,
                "there are more transfers than the window",
            ));
        }
        session.incoming_window -= 1;
        session.next_incoming_id = session.next_incoming_id.wrapping_add(1);
        let renew = session.incoming_window < INCOMING_WINDOW / 2;
        let handled = self.take_transfer(channel, transfer, payload);
        if renew && handled.is_ok() {
            self.renew_window(channel);
        }
        handled
    }

    fn renew_window(&mut self, channel: u16) {
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        session.incoming_window = INCOMING_WINDOW;
        let flow = session.flow();
        self.write(channel, &Performative::Flow(flow));
    }

    fn take_transfer(&mut self, channel: u16, transfer: Transfer, payload: Bytes) -> Handled {
        let handle = transfer.handle;
        let Some(link) = self.sessions.get_mut(&channel).and_then(|session| session.links.get_mut(&handle)) else {
            return Err(Fault::session(channel, condition::UNATTACHED_HANDLE, "the handle has no link"));
        };
        let id = LinkId { channel, handle, serial: link.serial };
        match link.state {
            LinkState::Detaching => return Ok(()),
            LinkState::Asked(_) => {
                return Err(Fault::link(id, condition::TRANSFER_LIMIT_EXCEEDED, "the link is not attached yet"));
            }
            LinkState::Attached => {}
        }
        if link.role == Role::Sender {
            return Err(Fault::link(id, condition::NOT_ALLOWED, "the link goes the other way"));
        }
        if transfer.resume == Some(true) {
            return Err(Fault::link(id, condition::NOT_IMPLEMENTED, "deliveries are not resumed"));
        }
        let mut partial = match link.partial.take() {
            Some(partial) if transfer.delivery_id.is_none_or(|delivery| delivery == partial.id) => partial,
            Some(_) => {
                return Err(Fault::session(channel, condition::ILLEGAL_STATE, "a delivery begins inside another"));
            }
            None => {
                if link.credit == 0 {
                    return Err(Fault::link(id, condition::TRANSFER_LIMIT_EXCEEDED, "there is no credit"));
                }
                let Some(delivery) = transfer.delivery_id else {
                    return Err(Fault::session(channel, condition::INVALID_FIELD, "a delivery has no id"));
                };
                link.credit -= 1;
                link.outstanding += 1;
                link.delivery_count = link.delivery_count.wrapping_add(1);
                let format = transfer.message_format.unwrap_or(0);
                let share = Share::new(&UNFINISHED).within(self.unfinished.clone());
                Box::new(Partial { id: delivery, format, settled: false, payload: BytesMut::new(), share })
            }
        };
        partial.settled |= transfer.settled == Some(true);
        let ticket = Ticket { link: id, id: partial.id, settled: partial.settled };
        if transfer.aborted == Some(true) {
            self.settle(Ticket { settled: true, ..ticket }, Outcome::Released);
            return Ok(());
        }
        if partial.payload.len() + payload.len() > link.max_message_size {
            return Err(Fault::link(id, condition::MESSAGE_SIZE_EXCEEDED, "the message is too large"));
        }
        if transfer.more == Some(true) {
            if !partial.share.resize(partial.payload.len() + payload.len()) {
                let why = "there is no room for more messages of which the rest is awaited";
                return Err(Fault::connection(condition::RESOURCE_LIMIT_EXCEEDED, why));
            }
            partial.payload.extend_from_slice(&payload);
            link.partial = Some(partial);
            return Ok(());
        }
        let format = partial.format;
        let payload = if partial.payload.is_empty() {
            payload
        } else {
            partial.payload.extend_from_slice(&payload);
            partial.payload.freeze()
        };
        self.events.push_back(Event::Delivery { ticket, format, payload });
        Ok(())
    }

    /// Says what became of a delivery, and is done with it.
    pub fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        let Some(link) = self.link_mut(ticket.link) else { return };
        link.outstanding = link.outstanding.saturating_sub(1);
        if link.is_detaching() || self.stage != Stage::Open {
            return;
        }
        if !ticket.settled {
            self.tell_outcome(ticket.link.channel, ticket.id, outcome);
        }
        self.give_credit(ticket.link);
    }

    /// Gives credit, if there is some to give, and says so.
    pub(super) fn give_credit(&mut self, id: LinkId) {
        let Some(session) = self.sessions.get_mut(&id.channel) else { return };
        let mut flow = session.flow();
        let Some(link) = session.links.get_mut(&id.handle) else { return };
        if !link.renew_credit() {
            return;
        }
        flow.handle = Some(id.handle);
        flow.delivery_count = Some(link.delivery_count);
        flow.link_credit = Some(link.credit);
        self.write(id.channel, &Performative::Flow(flow));
    }

    /// Acceptances of deliveries that follow each other are told together.
    fn tell_outcome(&mut self, channel: u16, id: u32, outcome: Outcome) {
        if outcome != Outcome::Accepted {
            return self.write_outcome(channel, id, id, outcome);
        }
        match &mut self.accepted {
            Some((known, _, last)) if *known == channel && last.wrapping_add(1) == id => *last = id,
            _ => {
                self.tell_accepted();
                self.accepted = Some((channel, id, id));
            }
        }
    }

    pub(super) fn tell_accepted(&mut self) {
        if let Some((channel, first, last)) = self.accepted.take() {
            self.write_outcome(channel, first, last, Outcome::Accepted);
        }
    }

    fn write_outcome(&mut self, channel: u16, first: u32, last: u32, outcome: Outcome) {
        let (role, settled, state) = (Role::Receiver, Some(true), Some(outcome));
        let disposition = Disposition { role, first, last: Some(last), settled, state, batchable: None };
        self.write(channel, &Performative::Disposition(disposition));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use iolite_messaging::Room;

    use super::super::testing::Peer;
    use super::*;

    /// Sends the beginning of a message on handle 0, of so many bytes.
    fn begin(peer: &mut Peer, bytes: usize) -> String {
        let transfer = Transfer { more: Some(true), ..Peer::a_transfer(0) };
        peer.send_with(0, Performative::Transfer(transfer), &vec![0; bytes]);
        peer.answer()
    }

    #[test]
    fn what_is_not_whole_takes_room_of_its_connection() {
        let (mut peer, link) = Peer::attached(Role::Sender);
        let room = Arc::new(Room::of(500));
        peer.engine.unfinished = room.clone();
        assert_eq!((begin(&mut peer, 300), room.taken()), (String::new(), 300));
        assert_eq!((begin(&mut peer, 200), room.taken()), (String::new(), 500));
        peer.send(0, Performative::Transfer(Peer::a_transfer(0)));
        assert_eq!(room.taken(), 0, "it is whole");
        begin(&mut peer, 400);
        peer.engine.detach(link, None);
        assert_eq!(room.taken(), 0, "nobody awaits the rest");
    }

    #[test]
    fn who_finds_no_room_loses_the_connection() {
        let (mut peer, _) = Peer::attached(Role::Sender);
        let room = Arc::new(Room::of(500));
        peer.engine.unfinished = room.clone();
        assert_eq!(begin(&mut peer, 501), "close(amqp:resource-limit-exceeded)");
        drop(peer);
        assert_eq!(room.taken(), 0);
    }
}
