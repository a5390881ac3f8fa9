//! Attaching and detaching links.

use std::sync::Arc;

use super::event::{Acceptance, Event, LinkId};
use super::fault::{Fault, Handled};
use super::link::{Link, LinkState};
use super::{Engine, LINKS_BEFORE_TRUST};
use crate::codec::{AmqpError, Attach, Detach, Performative, Role, condition};

/// `snd-settle-mode`: all is sent unsettled; all is sent settled.
const UNSETTLED: u8 = 0;
const SETTLED: u8 = 1;
/// `rcv-settle-mode`: the receiver settles as soon as it has an outcome. Python's azure-eventhub asks for the other mode
/// and then never looks at a disposition that is not settled.
const FIRST: u8 = 0;

impl Engine {
    pub(super) fn on_attach(&mut self, channel: u16, attach: Attach) -> Handled {
        let limit = if self.trusted { self.settings.links } else { LINKS_BEFORE_TRUST };
        let handle = attach.handle;
        if handle > self.settings.handle_max {
            return Err(Fault::connection(condition::FRAMING_ERROR, "a handle is above the highest"));
        }
        if self.links >= limit {
            return Err(Fault::connection(condition::RESOURCE_LIMIT_EXCEEDED, "there are too many links"));
        }
        let Some(session) = self.sessions.get_mut(&channel) else { return Ok(()) };
        if session.links.contains_key(&handle) {
            return Err(Fault::session(channel, condition::HANDLE_IN_USE, "the handle has a link already"));
        }
        let attach = Arc::new(attach);
        self.serial = self.serial.wrapping_add(1);
        self.links += 1;
        session.links.insert(handle, Link::asked(self.serial, attach.clone()));
        self.events.push_back(Event::Attached { link: LinkId { channel, handle, serial: self.serial }, attach });
        Ok(())
    }

    /// The link, if it is still the one that the id was given to.
    pub(super) fn link_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        let link = self.sessions.get_mut(&id.channel)?.links.get_mut(&id.handle)?;
        (link.serial == id.serial).then_some(link)
    }

    /// Whether the link is there, asked for or attached.
    #[must_use]
    pub fn has_link(&self, id: LinkId) -> bool {
        let link = self.sessions.get(&id.channel).and_then(|session| session.links.get(&id.handle));
        link.is_some_and(|link| link.serial == id.serial && !link.is_detaching())
    }

    /// Lets a link in: answers its attach, and gives credit where the peer sends. A link that is gone stays so.
    pub fn accept(&mut self, id: LinkId, acceptance: Acceptance) {
        let Some(link) = self.link_mut(id) else { return };
        let LinkState::Asked(attach) = &link.state else { return };
        let attach = attach.clone();
        link.state = LinkState::Attached;
        link.window = acceptance.window;
        link.heedless = acceptance.heedless && attach.rcv_settle_mode.unwrap_or(FIRST) == FIRST;
        link.max_message_size = acceptance.max_message_size;
        let role = link.role;
        let receives = role == Role::Receiver;
        let answer = Attach {
            name: attach.name.clone(),
            handle: id.handle,
            role,
            snd_settle_mode: Some(match (role, acceptance.settled) {
                (Role::Receiver, _) => attach.snd_settle_mode.unwrap_or(2),
                (Role::Sender, true) => SETTLED,
                (Role::Sender, false) => UNSETTLED,
            }),
            rcv_settle_mode: Some(if receives { FIRST } else { attach.rcv_settle_mode.unwrap_or(FIRST) }),
            source: attach.source.clone(),
            target: attach.target.clone(),
            initial_delivery_count: (!receives).then_some(0),
            max_message_size: u64::try_from(acceptance.max_message_size).ok().filter(|size| *size > 0),
            properties: acceptance.properties,
            ..Attach::default()
        };
        self.write(id.channel, &Performative::Attach(Box::new(answer)));
        if receives {
            self.give_credit(id);
        } else {
            self.events.push_back(Event::Credit { link: id });
        }
    }

    /// Refuses a link as part 2, section 2.6.3 says: attached without source and target, and detached at once.
    pub fn refuse(&mut self, id: LinkId, error: AmqpError) {
        if self.link_mut(id).is_some_and(|link| matches!(link.state, LinkState::Asked(_))) {
            self.detach(id, Some(error));
        }
    }

    /// Ends a link; its handle stays taken until the peer's detach. A link that nobody answered yet is refused.
    pub fn detach(&mut self, id: LinkId, error: Option<AmqpError>) {
        let Some(link) = self.link_mut(id) else { return };
        if link.is_detaching() {
            return;
        }
        link.partial = None;
        let before = std::mem::replace(&mut link.state, LinkState::Detaching);
        self.forget_sendings(id);
        self.attach_to_nothing(id, &before);
        self.write(id.channel, &Performative::Detach(Detach { handle: id.handle, closed: Some(true), error }));
        self.events.push_back(Event::Detached { link: id });
    }

    pub(super) fn on_detach(&mut self, channel: u16, detach: &Detach) -> Handled {
        let Some(session) = self.sessions.get_mut(&channel) else { return Ok(()) };
        let Some(link) = session.links.remove(&detach.handle) else {
            return Err(Fault::session(channel, condition::UNATTACHED_HANDLE, "the handle has no link"));
        };
        self.links = self.links.saturating_sub(1);
        let id = LinkId { channel, handle: detach.handle, serial: link.serial };
        if link.is_detaching() {
            return Ok(());
        }
        self.forget_sendings(id);
        self.attach_to_nothing(id, &link.state);
        let answer = Detach { handle: detach.handle, closed: detach.closed, error: None };
        self.write(channel, &Performative::Detach(answer));
        self.events.push_back(Event::Detached { link: id });
        Ok(())
    }

    /// A detach is only said of what was attached: a link that was only asked for is attached without source and target.
    fn attach_to_nothing(&mut self, id: LinkId, state: &LinkState) {
        let LinkState::Asked(attach) = state else { return };
        let we_receive = attach.role == Role::Sender;
        let answer = Attach {
            name: attach.name.clone(),
            handle: id.handle,
            role: if we_receive { Role::Receiver } else { Role::Sender },
            snd_settle_mode: attach.snd_settle_mode,
            rcv_settle_mode: attach.rcv_settle_mode,
            initial_delivery_count: (!we_receive).then_some(0),
            ..Attach::default()
        };
        self.write(id.channel, &Performative::Attach(Box::new(answer)));
    }

    /// What was sent on the link, or waits to be, concerns nobody any more.
    fn forget_sendings(&mut self, id: LinkId) {
        let Some(session) = self.sessions.get_mut(&id.channel) else { return };
        session.unsettled.retain(|_, handle| *handle != id.handle);
        session.waiting.retain(|waiting| waiting.handle != id.handle);
    }
}
