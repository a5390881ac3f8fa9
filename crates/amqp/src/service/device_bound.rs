//! Cloud-to-device messages on their way to a device: fetched under lock while there is credit, settled as the device says.

use iolite_kernel::ServiceError;
use iolite_messaging::{DeviceBound, Settlement};

use super::address::Endpoint;
use super::devices::DeviceKey;
use super::link::{Kind, Locks};
use super::message::{lock_tag, write_device_bound};
use super::{Conversation, refusal};
use crate::codec::Outcome;
use crate::engine::{DeliveryId, LinkId, Sending};

/// What a link of cloud-to-device messages holds.
pub(super) struct DeviceBoundState {
    key: DeviceKey,
    locks: Locks,
    /// A fetch is under way.
    fetching: bool,
    /// Word of a message came during the fetch.
    again: bool,
    /// Fetched, and the credit was gone.
    held: Option<DeviceBound>,
}

impl DeviceBoundState {
    pub(super) fn of(key: DeviceKey) -> Self {
        Self { key, locks: Locks::new(), fetching: false, again: false, held: None }
    }

    pub(super) const fn key(&self) -> &DeviceKey {
        &self.key
    }
}

impl Conversation {
    /// A message waits for the device.
    pub(super) fn tell_device_bound(&mut self, key: &DeviceKey) {
        for id in self.receivers_of(key, Endpoint::DeviceBound) {
            if let Some(state) = self.device_bound(id) {
                state.again = true;
            }
            self.pump_device_bound(id);
        }
    }

    fn device_bound(&mut self, id: LinkId) -> Option<&mut DeviceBoundState> {
        match &mut self.links.get_mut(&id)?.kind {
            Kind::DeviceBound(state) => Some(state),
            _ => None,
        }
    }

    /// Fetches the next message, if there is credit for one.
    pub(super) fn pump_device_bound(&mut self, id: LinkId) {
        if self.engine.credit(id) == 0 {
            return;
        }
        let Some(state) = self.device_bound(id) else { return };
        if let Some(held) = state.held.take() {
            self.deliver(id, held);
            return self.pump_device_bound(id);
        }
        if state.fetching {
            return;
        }
        state.fetching = true;
        state.again = false;
        let key = state.key.clone();
        let Some(session) = self.session_of(&key) else { return };
        self.jobs.begin(async move {
            let found = session.receive().await;
            move |conversation: &mut Self| conversation.on_fetched(id, &key, found)
        });
    }

    fn on_fetched(&mut self, id: LinkId, key: &DeviceKey, found: Result<Option<DeviceBound>, ServiceError>) {
        let Some(state) = self.device_bound(id) else {
            if let Ok(Some(found)) = found {
                self.settle_lock(key, &found.lock_token, Settlement::Abandon);
            }
            return;
        };
        state.fetching = false;
        match found {
            Ok(Some(found)) => {
                self.deliver(id, found);
                self.pump_device_bound(id);
            }
            Ok(None) if state.again => self.pump_device_bound(id),
            Ok(None) => self.engine.drained(id),
            Err(error) => {
                let error = refusal::of_service(&error, &self.surroundings.ground);
                self.engine.detach(id, Some(error));
            }
        }
    }

    fn deliver(&mut self, id: LinkId, found: DeviceBound) {
        let payload = write_device_bound(&found).to_bytes();
        let Some(link) = self.links.get_mut(&id) else { return };
        let tag = lock_tag(&found.lock_token).unwrap_or_else(|| link.tag());
        let sent = self.engine.send(id, Sending { tag, payload, settled: false });
        let Some(state) = self.device_bound(id) else { return };
        match sent {
            Some(delivery) => {
                state.locks.insert(delivery, found.lock_token);
            }
            None => state.held = Some(found),
        }
    }

    /// The device says what became of a message.
    pub(super) fn settle_device_bound(&mut self, id: LinkId, delivery: DeliveryId, outcome: Outcome, settled: bool) {
        let Some(state) = self.device_bound(id) else { return };
        let Some(token) = state.locks.remove(&delivery) else { return };
        let key = state.key.clone();
        let Some(session) = self.session_of(&key) else { return };
        let settlement = settlement_of(&outcome);
        self.jobs.begin(async move {
            let done = session.settle(&token, settlement).await;
            move |conversation: &mut Self| conversation.on_lock_settled((id, delivery), outcome, settled, done)
        });
    }

    /// Tells the receiver that its word was taken, where it waits for that.
    pub(super) fn on_lock_settled(
        &mut self,
        (id, delivery): (LinkId, DeliveryId),
        outcome: Outcome,
        settled: bool,
        done: Result<(), ServiceError>,
    ) {
        if !settled {
            let outcome = match done {
                Ok(()) => outcome,
                Err(error) => Outcome::Rejected(Some(refusal::of_service(&error, &self.surroundings.ground))),
            };
            self.engine.settle_sent(id, delivery, outcome);
        }
        self.on_credit(id);
    }

    /// A link left: what was fetched for it and not sent goes back. What was sent stays under its lock.
    pub(super) fn give_back(&mut self, key: &DeviceKey, state: DeviceBoundState) {
        if let Some(held) = state.held {
            self.settle_lock(key, &held.lock_token, Settlement::Abandon);
        }
    }

    fn settle_lock(&mut self, key: &DeviceKey, token: &str, settlement: Settlement) {
        let Some(session) = self.session_of(key) else { return };
        let token = token.to_owned();
        self.jobs.begin(async move {
            drop(session.settle(&token, settlement).await);
            |_: &mut Self| ()
        });
    }
}

/// What an outcome means to a queue.
pub(super) const fn settlement_of(outcome: &Outcome) -> Settlement {
    match outcome {
        Outcome::Accepted => Settlement::Complete,
        Outcome::Rejected(_) | Outcome::Modified { undeliverable_here: true, .. } => Settlement::Reject,
        Outcome::Released | Outcome::Modified { .. } | Outcome::Received => Settlement::Abandon,
    }
}
