//! PUBACKs in the order of their PUBLISHes (MQTT-4.6.0-2), each once its event is kept.

use std::collections::VecDeque;
use std::task::{self, Poll};

use iolite_kernel::ServiceError;
use iolite_messaging::{Doing, Receipt};

use crate::codec;

/// The acknowledgements that wait.
#[derive(Default)]
pub(super) struct Acknowledgements(VecDeque<(u16, Option<Kept>)>);

type Kept = Doing<'static, Result<(), ServiceError>>;

impl Acknowledgements {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Acknowledges a PUBLISH when `receipt` says so and those before it are acknowledged.
    pub(super) fn push(&mut self, packet_id: u16, receipt: Receipt, out: &mut Vec<u8>) {
        match receipt.into_pending() {
            None if self.0.is_empty() => codec::puback(out, packet_id),
            pending => self.0.push_back((packet_id, pending)),
        }
    }

    /// Appends the PUBACKs whose turn it is; whether there were any. An event that cannot be kept is an error.
    pub(super) fn poll(&mut self, context: &mut task::Context<'_>, out: &mut Vec<u8>) -> Result<bool, ServiceError> {
        let mut moved = false;
        while let Some((packet_id, pending)) = self.0.front_mut() {
            if let Some(pending) = pending {
                match pending.as_mut().poll(context) {
                    Poll::Pending => break,
                    Poll::Ready(outcome) => outcome?,
                }
            }
            codec::puback(out, *packet_id);
            self.0.pop_front();
            moved = true;
        }
        if moved && self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        Ok(moved)
    }
}
