//! What a session asks of the hub and waits for: one after the other, so that a device finds what it has just reported.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use iolite_kernel::ServiceError;
use iolite_messaging::{DeviceBound, DeviceSession, Doing, Settlement};

use crate::session::TwinRequest;

/// Something to ask of the hub.
pub(super) enum Errand {
    /// The twin, or a change to it.
    Twin(TwinRequest),
    /// The next message to the device.
    Fetch,
    /// What became of a message.
    Settle(String, Settlement),
}

/// What came of it.
pub(super) enum Outcome {
    Twin { rid: Box<str>, twin: Result<Bytes, ServiceError> },
    Reported { rid: Box<str>, version: Result<u64, ServiceError> },
    Fetched(Result<Option<DeviceBound>, ServiceError>),
    Settled(Result<(), ServiceError>),
}

/// Errands in a row.
#[derive(Default)]
pub(super) struct Errands {
    under_way: Option<Doing<'static, Outcome>>,
    waiting: VecDeque<Errand>,
}

impl Errands {
    pub(super) fn push(&mut self, errand: Errand) {
        self.waiting.push_back(errand);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.under_way.is_some())
    }

    /// Goes on with the errand under way, or begins the next one. Pending, too, where there is none.
    pub(super) fn poll(&mut self, context: &mut task::Context<'_>, hub: &Arc<dyn DeviceSession>) -> Poll<Outcome> {
        if self.under_way.is_none() {
            match self.waiting.pop_front() {
                Some(errand) => self.under_way = Some(begin(errand, hub.clone())),
                None => return Poll::Pending,
            }
        }
        let Some(under_way) = &mut self.under_way else { return Poll::Pending };
        let outcome = std::task::ready!(under_way.as_mut().poll(context));
        self.under_way = None;
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Poll::Ready(outcome)
    }
}

fn begin(errand: Errand, hub: Arc<dyn DeviceSession>) -> Doing<'static, Outcome> {
    match errand {
        Errand::Twin(TwinRequest::Get { rid }) => {
            Box::pin(async move { Outcome::Twin { rid, twin: hub.twin().await } })
        }
        Errand::Twin(TwinRequest::Report { rid, patch }) => {
            Box::pin(async move { Outcome::Reported { rid, version: hub.report(patch).await } })
        }
        Errand::Fetch => Box::pin(async move { Outcome::Fetched(hub.receive().await) }),
        Errand::Settle(lock_token, settlement) => {
            Box::pin(async move { Outcome::Settled(hub.settle(&lock_token, settlement).await) })
        }
    }
}
