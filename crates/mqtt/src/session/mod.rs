//! One device's session, without I/O: each packet becomes what the hub is asked, and what the hub says becomes packets.
//!
//! Called by `connection`, which holds the stream and the hub's session. Bytes to send are appended to the buffer that is
//! passed in; an acknowledgement of a PUBLISH is left to the connection, because it waits for the event to be kept.

mod answer;
mod opening;
mod subscriptions;
mod violation;
mod window;

use std::time::Duration;

use bytes::Bytes;
use iolite_kernel::{Ground, ServiceError};
use iolite_messaging::{DesiredChange, DeviceBound, Features, KeptSession, Message, MethodCall, SystemName};

use crate::codec::{self, Packet, Publish, Subscribe, Unsubscribe};
use crate::topic::{self, Branch, Inbound, bag};

pub(crate) use opening::{Opening, TurnedAway, refusal_code};
pub(crate) use violation::Violation;

use subscriptions::Subscriptions;
use window::Window;

/// A device's session.
#[derive(Debug)]
pub(crate) struct Session {
    branch: Branch,
    subscriptions: Subscriptions,
    window: Window,
    /// What is published when the connection ends without DISCONNECT.
    will: Option<Box<Message>>,
    /// How long the client may be silent.
    pub(crate) silence: Duration,
    /// Clean session 0: the client wants the session to outlive the connection.
    lasting: bool,
}

/// What a packet asks of the hub.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it was answered, or needs no answer.
    Nothing,
    /// Take an event, then acknowledge.
    Event(Message, Acknowledge),
    /// Do what the device asks of its twin; acknowledge at once.
    Twin(TwinRequest, Acknowledge),
    /// Pass on a direct method's answer; acknowledge at once.
    MethodAnswer { rid: Box<str>, status: i32, payload: Bytes, acknowledge: Acknowledge },
    /// Change what the device is told.
    Listen(Features),
    /// A cloud-to-device message was taken: complete it.
    Complete(String),
    /// The client ends the session.
    Disconnect,
}

/// The packet identifier to acknowledge, at QoS 1.
pub(crate) type Acknowledge = Option<u16>;

/// What a device asks of its twin, and the id that its answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TwinRequest {
    Get { rid: Box<str> },
    Report { rid: Box<str>, patch: Bytes },
}

impl Session {
    /// Does what `packet` asks, as far as that needs no hub, and tells what is left.
    pub(crate) fn on_packet(&mut self, packet: Packet<'_>, out: &mut Vec<u8>) -> Result<Step, Violation> {
        match packet {
            Packet::Publish(publish) => self.on_publish(&publish),
            Packet::PubAck(id) => Ok(self.window.acknowledged(id).map_or(Step::Nothing, Step::Complete)),
            Packet::PingReq => {
                codec::pingresp(out);
                Ok(Step::Nothing)
            }
            Packet::Subscribe(subscribe) => self.on_subscribe(subscribe, out),
            Packet::Unsubscribe(unsubscribe) => Ok(self.on_unsubscribe(unsubscribe, out)),
            Packet::Disconnect => {
                // MQTT-3.14.4-3: a client that says goodbye leaves no will.
                self.will = None;
                Ok(Step::Disconnect)
            }
            // MQTT-3.1.0-2.
            Packet::Connect(_) | Packet::OtherProtocol => Err(Violation::SecondConnect),
        }
    }

    fn on_publish(&self, publish: &Publish<'_>) -> Result<Step, Violation> {
        if publish.qos > 1 {
            return Err(Violation::ExactlyOnce);
        }
        let acknowledge = publish.packet_id;
        let inbound = Inbound::read(publish.topic, &self.branch);
        match inbound.ok_or_else(|| Violation::UnknownTopic(publish.topic.into()))? {
            Inbound::Event { bag } => {
                event(bag, publish.payload, publish.retain).map(|message| Step::Event(message, acknowledge))
            }
            Inbound::TwinGet { rid } => Ok(Step::Twin(TwinRequest::Get { rid: rid.into() }, acknowledge)),
            Inbound::TwinReport { rid } => {
                let patch = Bytes::copy_from_slice(publish.payload);
                Ok(Step::Twin(TwinRequest::Report { rid: rid.into(), patch }, acknowledge))
            }
            Inbound::MethodAnswer { status, rid } => {
                let payload = Bytes::copy_from_slice(publish.payload);
                Ok(Step::MethodAnswer { rid: rid.into(), status, payload, acknowledge })
            }
        }
    }

    fn on_subscribe(&mut self, subscribe: Subscribe<'_>, out: &mut Vec<u8>) -> Result<Step, Violation> {
        let mut granted = Vec::new();
        for (filter, qos) in subscribe.filters() {
            granted.push(self.subscriptions.add(filter, qos, &self.branch)?);
        }
        codec::suback(out, subscribe.packet_id, &granted);
        self.window.subscribed();
        Ok(Step::Listen(self.subscriptions.features()))
    }

    fn on_unsubscribe(&mut self, unsubscribe: Unsubscribe<'_>, out: &mut Vec<u8>) -> Step {
        for filter in unsubscribe.filters() {
            self.subscriptions.remove(filter, &self.branch);
        }
        codec::unsuback(out, unsubscribe.packet_id);
        Step::Listen(self.subscriptions.features())
    }

    /// Answers CONNECT: the device is signed in, and `kept` is what its last connection left.
    pub(crate) fn accepted(&mut self, kept: Option<KeptSession>, out: &mut Vec<u8>) {
        let kept = kept.filter(|_| self.lasting);
        codec::connack(out, kept.is_some(), 0);
        if let Some(kept) = kept {
            self.subscriptions.restore(kept.subscriptions, &self.branch);
        }
    }

    /// What the session leaves behind as it stands; `None` where it is a clean one.
    pub(crate) fn keeps(&self) -> Option<KeptSession> {
        self.lasting.then(|| KeptSession { subscriptions: self.subscriptions.lasting() })
    }

    /// What the hub must tell.
    pub(crate) fn features(&self) -> Features {
        self.subscriptions.features()
    }

    /// Sends a direct method's call, at QoS 0 as the hub does. `false` where it does not fit into a packet.
    pub(crate) fn on_method(&self, call: &MethodCall, out: &mut Vec<u8>) -> bool {
        // A call may cross an UNSUBSCRIBE on its way.
        !self.features().methods
            || codec::publish(out, &topic::method_topic(&call.name, &call.request_id), &call.payload, None, false)
    }

    /// Sends a change of desired properties.
    pub(crate) fn on_desired(&self, change: &DesiredChange, out: &mut Vec<u8>) {
        if self.features().desired {
            // Its topic is short, so it fits.
            let _ = codec::publish(out, &topic::desired_topic(change.version), &change.patch, None, false);
        }
    }

    /// Sends the twin, or why there is none. Nobody who did not subscribe to answers gets one.
    pub(crate) fn on_twin(&self, rid: &str, twin: Result<Bytes, ServiceError>, ground: &Ground, out: &mut Vec<u8>) {
        if self.subscriptions.twin_answers() {
            answer::twin(rid, twin, ground, out);
        }
    }

    /// Sends what came of reported properties.
    pub(crate) fn on_reported(
        &self,
        rid: &str,
        version: Result<u64, ServiceError>,
        ground: &Ground,
        out: &mut Vec<u8>,
    ) {
        if self.subscriptions.twin_answers() {
            answer::reported(rid, version, ground, out);
        }
    }

    /// That a cloud-to-device message waits at the hub.
    pub(crate) fn on_waiting(&mut self) {
        self.window.waiting();
    }

    /// Whether the next waiting message is to be fetched now; says so once for each fetch.
    pub(crate) fn fetches(&mut self) -> bool {
        self.subscriptions.device_bound().is_some() && self.window.fetches()
    }

    /// Sends a fetched message (`None`: no more wait). What it returns is to be settled at once: completed where it went
    /// at QoS 0, given back where nobody wants it any more.
    pub(crate) fn on_fetched(&mut self, bound: Option<DeviceBound>, out: &mut Vec<u8>) -> Option<Fetched> {
        let bound = self.window.fetched(bound)?;
        let input = bound.message.system(SystemName::InputName).is_some();
        let Some((spelled, qos)) = self.subscriptions.delivery(input) else {
            self.window.misfit();
            return Some(Fetched::GiveBack(bound.lock_token));
        };
        let topic = topic::device_bound_topic(spelled.unwrap_or(self.branch.path()), &bound.message);
        if qos == 0 {
            let sent = codec::publish(out, &topic, &bound.message.body, None, false);
            return Some(if sent { Fetched::Complete(bound.lock_token) } else { Fetched::Refuse(bound.lock_token) });
        }
        let id = self.window.place(bound.sequence_number, &bound.lock_token)?;
        if !codec::publish(out, &topic, &bound.message.body, Some(id), bound.delivery_count > 0) {
            self.window.acknowledged(id);
            return Some(Fetched::Refuse(bound.lock_token));
        }
        None
    }

    /// The last will, unless the client said goodbye.
    pub(crate) fn take_will(&mut self) -> Option<Box<Message>> {
        self.will.take()
    }

    /// The locks of messages that were sent and not acknowledged.
    pub(crate) fn take_locks(&mut self) -> Vec<String> {
        self.window.take_locks()
    }

    /// The device's id and its module's.
    pub(crate) fn identity(&self) -> (&str, Option<&str>) {
        (self.branch.device_id(), self.branch.module_id())
    }
}

/// What becomes of a fetched message at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// It went at QoS 0.
    Complete(String),
    /// Its subscription is gone.
    GiveBack(String),
    /// Its properties do not fit into a topic.
    Refuse(String),
}

/// An event out of a PUBLISH or a will. The payload is copied: it must not hold the read buffer.
fn event(bag: &str, payload: &[u8], retain: bool) -> Result<Message, Violation> {
    let mut message = Message::of(Bytes::copy_from_slice(payload));
    bag::read(bag, &mut message).map_err(|_| Violation::BadBag)?;
    if retain {
        // The hub retains nothing, and says that it was asked to.
        message.properties.push(("mqtt-retain".into(), Some("true".into())));
    }
    Ok(message)
}
