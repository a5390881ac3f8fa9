//! Feedback and file notifications on their way to a back end: the next one is awaited while there is credit.

use std::sync::Arc;

use iolite_kernel::ServiceError;
use iolite_messaging::{Notice, NoticeReceiver};

use super::device_bound::settlement_of;
use super::jobs::Lease;
use super::link::{Kind, Locks};
use super::message::{lock_tag, write_notice};
use super::{Conversation, refusal};
use crate::codec::Outcome;
use crate::engine::{DeliveryId, LinkId, Sending};

/// What a link of notices holds.
pub(super) struct NoticesState {
    receiver: Arc<dyn NoticeReceiver>,
    locks: Locks,
    fetching: Option<Lease>,
    /// Fetched, and the credit was gone.
    held: Option<Notice>,
}

impl NoticesState {
    pub(super) fn of(receiver: Arc<dyn NoticeReceiver>) -> Self {
        Self { receiver, locks: Locks::new(), fetching: None, held: None }
    }

    /// Goes on with a link that was opened anew.
    pub(super) fn resume(&mut self, receiver: Arc<dyn NoticeReceiver>) {
        self.receiver = receiver;
        self.fetching = None;
    }
}

impl Conversation {
    fn notices(&mut self, id: LinkId) -> Option<&mut NoticesState> {
        match &mut self.links.get_mut(&id)?.kind {
            Kind::Notices(state) => Some(state),
            _ => None,
        }
    }

    /// Awaits the next notice, if there is credit for one.
    pub(super) fn pump_notices(&mut self, id: LinkId) {
        let credit = self.engine.credit(id);
        let Some(state) = self.notices(id) else { return };
        if credit == 0 {
            return;
        }
        if let Some(held) = state.held.take() {
            self.deliver_notice(id, held);
            return self.pump_notices(id);
        }
        if state.fetching.is_none() {
            let receiver = state.receiver.clone();
            let fetching = self.jobs.lease(async move {
                let notice = receiver.next().await;
                move |conversation: &mut Self| conversation.on_notice(id, notice)
            });
            if let Some(state) = self.notices(id) {
                state.fetching = Some(fetching);
            }
        }
        self.drain_when_idle(id);
    }

    fn on_notice(&mut self, id: LinkId, notice: Result<Notice, ServiceError>) {
        let Some(state) = self.notices(id) else { return };
        state.fetching = None;
        match notice {
            Ok(notice) => {
                self.deliver_notice(id, notice);
                self.pump_notices(id);
            }
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.engine.detach(id, Some(error));
            }
        }
    }

    fn deliver_notice(&mut self, id: LinkId, notice: Notice) {
        let payload = write_notice(&notice).to_bytes();
        let Some(link) = self.links.get_mut(&id) else { return };
        let tag = lock_tag(&notice.lock_token).unwrap_or_else(|| link.tag());
        let sent = self.engine.send(id, Sending { tag, payload, settled: false });
        let Some(state) = self.notices(id) else { return };
        match sent {
            Some(delivery) => {
                state.locks.insert(delivery, notice.lock_token);
            }
            None => state.held = Some(notice),
        }
    }

    /// The back end says what became of a notice.
    pub(super) fn settle_notice(&mut self, id: LinkId, delivery: DeliveryId, outcome: Outcome, settled: bool) {
        let Some(state) = self.notices(id) else { return };
        let Some(token) = state.locks.remove(&delivery) else { return };
        let receiver = state.receiver.clone();
        let settlement = settlement_of(&outcome);
        self.jobs.begin(async move {
            let done = receiver.settle(&token, settlement).await;
            move |conversation: &mut Self| conversation.on_lock_settled((id, delivery), outcome, settled, done)
        });
    }

    /// A receiver that wants its credit used up at once gets what is there already, and then word that there is no more:
    /// whatever can be fetched without waiting is fetched by the jobs before this one.
    pub(super) fn drain_when_idle(&mut self, id: LinkId) {
        if !self.engine.is_draining(id) {
            return;
        }
        self.jobs.begin(async move {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            move |conversation: &mut Self| conversation.engine.drained(id)
        });
    }
}
