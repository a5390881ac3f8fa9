//! Events that a device sends. Each is acknowledged when the hub has kept it, and not before.

use bytes::Bytes;
use iolite_kernel::ServiceError;
use iolite_messaging::{Message, Receipt};

use super::devices::DeviceKey;
use super::{Conversation, batch, refusal};
use crate::codec::{AmqpError, Outcome};
use crate::engine::Ticket;

impl Conversation {
    pub(super) fn on_telemetry(&mut self, ticket: Ticket, key: &DeviceKey, format: u32, payload: Bytes) {
        let Some(session) = self.session_of(key) else { return };
        let messages = match batch::read(format, payload) {
            Ok(messages) => messages,
            Err(error) => return self.reject(ticket, error),
        };
        let taken: Result<Vec<Receipt>, ServiceError> =
            messages.into_iter().map(|message: Message| session.send_event(message)).collect();
        match taken {
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.reject(ticket, error);
            }
            Ok(receipts) if receipts.iter().all(Receipt::is_settled) => self.engine.settle(ticket, Outcome::Accepted),
            Ok(receipts) => self.jobs.begin(async move {
                let mut kept = Ok(());
                for receipt in receipts {
                    kept = kept.and(receipt.wait().await);
                }
                move |conversation: &mut Self| conversation.on_kept(ticket, kept)
            }),
        }
    }

    fn on_kept(&mut self, ticket: Ticket, kept: Result<(), ServiceError>) {
        match kept {
            Ok(()) => self.engine.settle(ticket, Outcome::Accepted),
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.reject(ticket, error);
            }
        }
    }

    pub(super) fn reject(&mut self, ticket: Ticket, error: AmqpError) {
        self.engine.settle(ticket, Outcome::Rejected(Some(error)));
    }
}
