//! A link is asked for: where it leads decides which door is asked, and how it is let in.

use super::Conversation;
use super::address::Address;
use super::link::{Kind, Link};
use super::management::ManagementState;
use super::refusal;
use crate::codec::{AmqpError, Attach, Role, condition};
use crate::engine::{Acceptance, LinkId};

/// Credit on `$cbs` and `$management`, and the largest request there: an Entra token has some thousand bytes.
const REQUEST_WINDOW: u32 = 20;
const MAXIMUM_REQUEST_BYTES: usize = 32 * 1024;

impl Conversation {
    pub(super) fn on_attach(&mut self, id: LinkId, attach: &Attach) {
        let address = attach.address().map_or(Address::Unknown, Address::read);
        let sends = attach.role == Role::Sender;
        if attach.is_dynamic() {
            return self.refuse(id, condition::NOT_IMPLEMENTED, "No address is made for a link.");
        }
        let mut link = Link::waiting();
        link.pair = attach.property("com.microsoft:channel-correlation-id").map(Into::into);
        if !sends {
            link.reply_to = attach.target_address().map(Into::into);
        }
        self.links.insert(id, link);
        match address {
            Address::Cbs => {
                let kind = if sends { Kind::Cbs } else { Kind::CbsAnswers };
                self.let_in(id, kind, request_acceptance());
            }
            Address::Management { entity: None, hub: false } => self.attach_bare_management(id, sends),
            Address::Device { device_id, module_id, endpoint } => {
                self.attach_device(id, attach, device_id, module_id, endpoint);
            }
            Address::Provisioning => {
                let text = "Registration over AMQP is not built yet: register over MQTT or HTTPS.";
                self.refuse(id, condition::NOT_IMPLEMENTED, text);
            }
            Address::Unknown => self.refuse(id, condition::NOT_FOUND, "The address is not known (404006)."),
            address => self.attach_service(id, attach, address),
        }
    }

    /// A `$management` that names no entity leads nowhere by itself: each question on it is judged.
    fn attach_bare_management(&mut self, id: LinkId, sends: bool) {
        if !self.tokens.any(self.surroundings.ground.now()) {
            return self.refuse(id, condition::UNAUTHORIZED_ACCESS, "No token was put on $cbs.");
        }
        let kind = if sends { Kind::Management(ManagementState::default()) } else { Kind::ManagementAnswers };
        self.let_in(id, kind, request_acceptance());
    }

    /// Accepts a link as `kind`.
    pub(super) fn let_in(&mut self, id: LinkId, kind: Kind, acceptance: Acceptance) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.kind = kind;
        self.engine.accept(id, acceptance);
    }

    /// Refuses a link with an error of our own.
    pub(super) fn refuse(&mut self, id: LinkId, condition: &str, text: &str) {
        let error = refusal::of(condition, text, &self.surroundings.ground);
        self.turn_away(id, error);
    }

    /// Refuses a link.
    pub(super) fn turn_away(&mut self, id: LinkId, error: AmqpError) {
        tracing::debug!(condition = &*error.condition.0, why = error.description.as_deref(), "a link is refused");
        self.engine.refuse(id, error);
    }

    pub(super) fn on_detached(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else { return };
        self.leave_device(id, link);
    }
}

/// How a link of requests or of their answers is accepted.
pub(super) fn request_acceptance() -> Acceptance {
    Acceptance {
        window: REQUEST_WINDOW,
        max_message_size: MAXIMUM_REQUEST_BYTES,
        settled: true,
        ..Acceptance::default()
    }
}
