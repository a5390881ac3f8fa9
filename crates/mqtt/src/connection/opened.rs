//! A signed-in device's connection: the session's wishes carried to the hub, and the hub's news to the session.

use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use iolite_kernel::Ground;
use iolite_messaging::{
    DeviceSession, Features, KeptSession, Receipt, Settlement, SignedIn, ToDevice, ToDeviceReceiver,
};

use super::acknowledgements::Acknowledgements;
use super::end::End;
use super::errands::{Errand, Errands, Outcome};
use super::output::{BATCH, Output};
use crate::Limits;
use crate::codec::Packet;
use crate::session::{Acknowledge, Fetched, Session, Step};

/// A signed-in device.
pub(super) struct Opened {
    pub(super) hub: Arc<dyn DeviceSession>,
    pub(super) session: Session,
    inbox: ToDeviceReceiver,
    acknowledgements: Acknowledgements,
    /// Twin requests.
    twin: Errands,
    /// Messages to the device.
    device_bound: Errands,
}

impl Opened {
    /// Answers CONNECT, takes up what an earlier connection left, and listens.
    pub(super) fn begin(signed_in: SignedIn, mut session: Session, clean: bool, out: &mut Vec<u8>) -> Self {
        let SignedIn { session: hub, inbox, .. } = signed_in;
        let hub: Arc<dyn DeviceSession> = hub.into();
        // MQTT-3.1.2-6: a clean session forgets what was left.
        session.accepted(if clean { None } else { hub.kept() }, out);
        keep(&hub, session.keeps());
        let opened = Self {
            hub,
            session,
            inbox,
            acknowledgements: Acknowledgements::default(),
            twin: Errands::default(),
            device_bound: Errands::default(),
        };
        let features = opened.session.features();
        if features != Features::default() {
            opened.hub.listen(features);
        }
        opened
    }

    /// How long the client may be silent.
    pub(super) const fn silence(&self) -> Duration {
        self.session.silence
    }

    /// Whether more of the client's packets can be taken.
    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.acknowledgements.len() < limits.unacknowledged && self.twin.len() < limits.requests
    }

    /// Does what a packet asks.
    pub(super) fn on_packet(&mut self, packet: Packet<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match self.session.on_packet(packet, out)? {
            Step::Nothing => {}
            Step::Event(message, acknowledge) => {
                let receipt = self.hub.send_event(message).map_err(End::Failed)?;
                self.acknowledge(acknowledge, receipt, out);
            }
            Step::Twin(request, acknowledge) => {
                self.twin.push(Errand::Twin(request));
                self.acknowledge(acknowledge, Receipt::settled(), out);
            }
            Step::MethodAnswer { rid, status, payload, acknowledge } => {
                self.hub.answer_method(&rid, status, payload);
                self.acknowledge(acknowledge, Receipt::settled(), out);
            }
            Step::Listen(features) => {
                keep(&self.hub, self.session.keeps());
                self.hub.listen(features);
            }
            Step::Complete(lock_token) => self.settle(lock_token, Settlement::Complete),
            Step::Disconnect => return Err(End::Goodbye),
        }
        Ok(())
    }

    fn acknowledge(&mut self, packet_id: Acknowledge, receipt: Receipt, out: &mut Vec<u8>) {
        if let Some(packet_id) = packet_id {
            self.acknowledgements.push(packet_id, receipt, out);
        }
    }

    /// Takes the hub's news and answers; whether there were any.
    pub(super) fn poll(
        &mut self,
        context: &mut task::Context<'_>,
        ground: &Ground,
        output: &mut Output,
        limits: &Limits,
    ) -> Result<bool, End> {
        let mut moved = self.acknowledgements.poll(context, output.buffer()).map_err(End::Failed)?;
        moved |= self.poll_news(context, output, limits)?;
        while output.len() < limits.output
            && let Poll::Ready(outcome) = self.twin.poll(context, &self.hub)
        {
            moved = true;
            self.on_outcome(outcome, ground, output.buffer());
        }
        loop {
            if output.len() < BATCH && self.session.fetches() {
                self.device_bound.push(Errand::Fetch);
            }
            let Poll::Ready(outcome) = self.device_bound.poll(context, &self.hub) else { return Ok(moved) };
            moved = true;
            self.on_outcome(outcome, ground, output.buffer());
        }
    }

    /// What a client that takes nothing is told gathers, up to a bound: so the end of its session is heard in time.
    fn poll_news(
        &mut self,
        context: &mut task::Context<'_>,
        output: &mut Output,
        limits: &Limits,
    ) -> Result<bool, End> {
        let mut moved = false;
        while (output.len() < limits.output || output.stuck_since().is_some())
            && let Poll::Ready(news) = self.inbox.poll_recv(context)
        {
            moved = true;
            self.on_news(news, output.buffer())?;
            if output.stuck_since().is_some() && output.len() > limits.backlog {
                return Err(End::Stuck);
            }
        }
        Ok(moved)
    }

    /// Brings to an end what the device asked for and was told is taken, when its connection is over: twin requests run,
    /// acknowledged messages are completed, and what came too late to be sent goes back.
    pub(super) async fn settle_up(&mut self) {
        for lock_token in self.session.take_locks() {
            self.settle(lock_token, Settlement::Abandon);
        }
        while self.twin.len() > 0 {
            std::future::poll_fn(|context| self.twin.poll(context, &self.hub)).await;
        }
        while self.device_bound.len() > 0 {
            let outcome = std::future::poll_fn(|context| self.device_bound.poll(context, &self.hub)).await;
            if let Outcome::Fetched(Ok(Some(bound))) = outcome {
                self.settle(bound.lock_token, Settlement::Abandon);
            }
        }
    }

    fn on_news(&mut self, news: Option<ToDevice>, out: &mut Vec<u8>) -> Result<(), End> {
        match news {
            Some(ToDevice::Method(call)) => {
                if !self.session.on_method(&call, out) {
                    tracing::info!("a direct method's name is too long for a topic");
                }
            }
            Some(ToDevice::Desired(change)) => self.session.on_desired(&change, out),
            Some(ToDevice::DeviceBound) => self.session.on_waiting(),
            Some(ToDevice::Close(reason)) => return Err(End::Closed(Some(reason))),
            None => return Err(End::Closed(None)),
        }
        Ok(())
    }

    fn on_outcome(&mut self, outcome: Outcome, ground: &Ground, out: &mut Vec<u8>) {
        match outcome {
            Outcome::Twin { rid, twin } => self.session.on_twin(&rid, twin, ground, out),
            Outcome::Reported { rid, version } => self.session.on_reported(&rid, version, ground, out),
            Outcome::Settled(Ok(())) => {}
            Outcome::Settled(Err(error)) => tracing::info!(%error, "a message to a device could not be settled"),
            Outcome::Fetched(found) => {
                let found = found.unwrap_or_else(|error| {
                    tracing::info!(%error, "a message to a device could not be fetched");
                    None
                });
                match self.session.on_fetched(found, out) {
                    None => {}
                    Some(Fetched::Complete(lock_token)) => self.settle(lock_token, Settlement::Complete),
                    Some(Fetched::GiveBack(lock_token)) => self.settle(lock_token, Settlement::Abandon),
                    Some(Fetched::Refuse(lock_token)) => self.settle(lock_token, Settlement::Reject),
                }
            }
        }
    }

    fn settle(&mut self, lock_token: String, settlement: Settlement) {
        self.device_bound.push(Errand::Settle(lock_token, settlement));
    }
}

/// Leaves `session` to the next connection. Most connections change nothing, and a change may be a write.
fn keep(hub: &Arc<dyn DeviceSession>, session: Option<KeptSession>) {
    if hub.kept() != session {
        hub.keep(session);
    }
}
