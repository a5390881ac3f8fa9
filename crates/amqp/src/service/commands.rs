//! Messages that a back end sends to devices: enqueued one after the other, each answered when it is kept.

use bytes::Bytes;
use iolite_kernel::ServiceError;

use super::link::Kind;
use super::message::read_message;
use super::{Conversation, refusal};
use crate::codec::{AmqpError, Outcome, WireMessage, condition};
use crate::engine::{LinkId, Ticket};

impl Conversation {
    pub(super) fn on_command(&mut self, ticket: Ticket, payload: Bytes) {
        let message = match WireMessage::read(payload) {
            Ok(message) => message,
            Err(error) => return self.reject(ticket, AmqpError::new(condition::DECODE_ERROR, error.0)),
        };
        if let Some(Kind::Commands(backlog)) = self.links.get_mut(&ticket.link).map(|link| &mut link.kind) {
            backlog.waiting.push_back((ticket, message));
        }
        self.next_command(ticket.link);
    }

    fn next_command(&mut self, id: LinkId) {
        loop {
            let Some(Kind::Commands(backlog)) = self.links.get_mut(&id).map(|link| &mut link.kind) else { return };
            if backlog.busy {
                return;
            }
            let Some((ticket, message)) = backlog.waiting.pop_front() else { return };
            let message = match read_message(message) {
                Ok(message) => message,
                Err(error) => {
                    self.reject(ticket, error);
                    continue;
                }
            };
            backlog.busy = true;
            let sender = backlog.of.clone();
            return self.jobs.begin(async move {
                let sent = sender.send(message).await;
                move |conversation: &mut Self| conversation.on_command_sent(ticket, sent)
            });
        }
    }

    fn on_command_sent(&mut self, ticket: Ticket, sent: Result<(), ServiceError>) {
        match sent {
            Ok(()) => self.engine.settle(ticket, Outcome::Accepted),
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.reject(ticket, error);
            }
        }
        if let Some(Kind::Commands(backlog)) = self.links.get_mut(&ticket.link).map(|link| &mut link.kind) {
            backlog.busy = false;
        }
        self.next_command(ticket.link);
    }
}
