//! Opening and closing the connection, beginning and ending sessions.

use super::fault::{Fault, Handled};
use super::session::Session;
use super::{Engine, Event, LinkId, Opened, SESSIONS_BEFORE_TRUST, Stage};
use crate::codec::{AmqpError, Begin, Close, End, Open, Performative, condition};
use crate::frame::{MAXIMUM_FRAME_SIZE, MINIMUM_FRAME_SIZE};

impl Engine {
    pub(super) fn on_open(&mut self, open: Box<Open>) {
        let frame_size = open.max_frame_size.unwrap_or(u32::MAX);
        self.write_open();
        self.stage = Stage::Open;
        if frame_size < MINIMUM_FRAME_SIZE {
            return self.shut(Some(AmqpError::new(condition::INVALID_FIELD, "max-frame-size is below 512")));
        }
        if open.container_id.is_empty() {
            return self.shut(Some(AmqpError::new(condition::INVALID_FIELD, "container-id is empty")));
        }
        self.remote.max_frame_size = frame_size.min(MAXIMUM_FRAME_SIZE);
        self.remote.idle_time_out = open.idle_time_out.filter(|milliseconds| *milliseconds > 0);
        self.events.push_back(Event::Opened(Opened { open }));
    }

    /// Sends close, after an open where none was sent yet, and drops all sessions.
    pub(super) fn shut(&mut self, error: Option<AmqpError>) {
        self.forced |= !self.is_ending();
        match self.stage {
            Stage::Opening => self.write_open(),
            Stage::Open => {}
            Stage::CloseSent | Stage::Closed => return,
            _ => {
                self.stage = Stage::Closed;
                return;
            }
        }
        self.drop_sessions();
        self.write(0, &Performative::Close(Close { error }));
        self.stage = Stage::CloseSent;
    }

    pub(super) fn on_close(&mut self, close: Close) {
        if self.stage == Stage::Opening {
            self.write_open();
        }
        if self.stage != Stage::CloseSent {
            self.drop_sessions();
            self.write(0, &Performative::Close(Close::default()));
        }
        self.stage = Stage::Closed;
        self.events.push_back(Event::Closed { error: close.error });
    }

    /// Tells the peer that every session is over.
    pub(super) fn end_sessions(&mut self, error: Option<&AmqpError>) {
        let live = self.sessions.iter().filter(|(_, session)| !session.ended);
        let mut channels: Vec<u16> = live.map(|(channel, _)| *channel).collect();
        channels.sort_unstable();
        for channel in channels {
            self.write(channel, &Performative::End(End { error: error.cloned() }));
        }
    }

    /// Ends the session that a link is on, if there is such a link.
    pub fn end_session_of(&mut self, link: LinkId, error: AmqpError) {
        if self.has_link(link) {
            self.end_session(link.channel, error);
        }
    }

    pub(super) fn drop_sessions(&mut self) {
        self.accepted = None;
        let channels: Vec<u16> = self.sessions.keys().copied().collect();
        for channel in channels {
            self.drop_session(channel);
        }
    }

    /// Forgets a session and tells that its links are gone.
    fn drop_session(&mut self, channel: u16) {
        let Some(session) = self.sessions.remove(&channel) else { return };
        self.forget_links(channel, &session);
    }

    fn forget_links(&mut self, channel: u16, session: &Session) {
        self.links = self.links.saturating_sub(session.links.len());
        let mut gone: Vec<LinkId> = session
            .links
            .iter()
            .filter(|(_, link)| !link.is_detaching())
            .map(|(handle, link)| LinkId { channel, handle: *handle, serial: link.serial })
            .collect();
        gone.sort_unstable_by_key(|link| link.serial);
        self.events.extend(gone.into_iter().map(|link| Event::Detached { link }));
    }

    pub(super) fn on_session_performative(&mut self, channel: u16, performative: Performative, payload: bytes::Bytes) {
        let handled = match performative {
            Performative::Begin(begin) => self.on_begin(channel, &begin),
            Performative::End(end) => self.on_end(channel, end),
            other => match self.sessions.get(&channel) {
                None => Err(Fault::connection(condition::ILLEGAL_STATE, "the channel has no session")),
                // Frames that crossed our end mean nothing any more.
                Some(session) if session.ended => Ok(()),
                Some(_) => match other {
                    Performative::Attach(attach) => self.on_attach(channel, *attach),
                    Performative::Flow(flow) => self.on_flow(channel, &flow),
                    Performative::Transfer(transfer) => self.on_transfer(channel, transfer, payload),
                    Performative::Disposition(disposition) => self.on_disposition(channel, &disposition),
                    Performative::Detach(detach) => self.on_detach(channel, &detach),
                    _ => Ok(()),
                },
            },
        };
        match handled {
            Ok(()) => {}
            Err(Fault::Connection(error)) => self.shut(Some(error)),
            Err(Fault::Session(channel, error)) => self.end_session(channel, error),
            Err(Fault::Link(link, error)) => self.detach(link, Some(error)),
        }
    }

    fn on_begin(&mut self, channel: u16, begin: &Begin) -> Handled {
        if begin.remote_channel.is_some() {
            return Err(Fault::connection(condition::ILLEGAL_STATE, "a begin answers one that was never sent"));
        }
        if self.sessions.contains_key(&channel) {
            return Err(Fault::connection(condition::ILLEGAL_STATE, "the channel has a session already"));
        }
        let limit = if self.trusted { self.settings.sessions } else { SESSIONS_BEFORE_TRUST };
        if self.sessions.len() >= limit {
            return Err(Fault::connection(condition::RESOURCE_LIMIT_EXCEEDED, "there are too many sessions"));
        }
        self.sessions.insert(channel, Session::new(begin));
        self.write_begin(channel);
        Ok(())
    }

    fn on_end(&mut self, channel: u16, _end: End) -> Handled {
        let Some(session) = self.sessions.get(&channel) else {
            return Err(Fault::connection(condition::ILLEGAL_STATE, "the channel has no session"));
        };
        let ended = session.ended;
        self.drop_session(channel);
        if !ended {
            self.write(channel, &Performative::End(End::default()));
        }
        Ok(())
    }

    /// Ends a session; its channel stays taken until the peer's end.
    fn end_session(&mut self, channel: u16, error: AmqpError) {
        let Some(session) = self.sessions.get_mut(&channel) else { return };
        session.ended = true;
        let links = std::mem::take(&mut session.links);
        session.unsettled.clear();
        session.waiting.clear();
        let gone = Session { links, ..Session::new(&Begin::default()) };
        self.forget_links(channel, &gone);
        self.write(channel, &Performative::End(End { error: Some(error) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Outcome, Role};
    use crate::engine::testing::Peer;

    fn forced() -> AmqpError {
        AmqpError::new(condition::CONNECTION_FORCED, "Over.")
    }

    #[test]
    fn a_close_comes_after_what_was_taken_and_the_end_of_every_session() {
        let (mut peer, _) = Peer::attached(Role::Sender);
        peer.send(0, Performative::Transfer(Peer::a_transfer(0)));
        let ticket = peer.events().into_iter().find_map(|event| match event {
            Event::Delivery { ticket, .. } => Some(ticket),
            _ => None,
        });
        peer.engine.settle(ticket.unwrap(), Outcome::Accepted);
        peer.send(1, Peer::a_begin());
        peer.engine.close(Some(forced()));
        let over = "end(amqp:connection:forced)";
        assert_eq!(peer.answer(), format!("accepted begin {over} {over} close(amqp:connection:forced)"));
    }

    #[test]
    fn a_cut_connection_says_nothing_more() {
        let (mut peer, _) = Peer::attached(Role::Sender);
        peer.engine.cut();
        assert_eq!(peer.answer(), "");
        assert!(peer.engine.is_closed() && peer.engine.is_forced());
        assert!(matches!(peer.events()[..], [Event::Detached { .. }]));
    }
}
