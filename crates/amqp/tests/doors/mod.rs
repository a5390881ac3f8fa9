//! A hub in memory behind the doors, for tests of the wire: it believes every signature that is not `sig=bad`, until its
//! `se`. One partition of events; what back ends send to a device waits for it; tests turn its wheels by hand.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "shared by tests, each uses a part"
)]

mod device;
mod service;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_kernel::{Client, ErrorCode, Ground, ServiceError, Timestamp, Uuid};
use iolite_messaging::{
    Arrival, CloseReason, DesiredChange, DeviceBound, FoundEvent, LinkEnd, Message, MethodCall, Notice, SignInError,
    ToDevice, Transport,
};
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) static UNAUTHORIZED: ErrorCode =
    ErrorCode { status: 401, number: 401_002, name: "IotHubUnauthorizedAccess" };
pub(crate) static NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_001, name: "DeviceNotFound" };
pub(crate) static TOO_LARGE: ErrorCode = ErrorCode { status: 413, number: 413_001, name: "MessageTooLarge" };
pub(crate) static LOCK_LOST: ErrorCode = ErrorCode { status: 412, number: 412_002, name: "DeviceMessageLockLost" };

/// The hub.
pub(crate) struct World {
    pub(crate) ground: Ground,
    pub(crate) state: Mutex<State>,
    pub(crate) events_changed: watch::Sender<u64>,
    pub(crate) notices_changed: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) devices: HashMap<String, Inhabitant>,
    pub(crate) events: Vec<FoundEvent>,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) calls: HashMap<String, oneshot::Sender<(i32, Bytes)>>,
    pub(crate) settled: Vec<(String, String)>,
    pub(crate) link_ends: Vec<(String, oneshot::Sender<LinkEnd>)>,
    pub(crate) sessions_closed: Vec<(String, bool)>,
    pub(crate) tokens_checked: Vec<String>,
    pub(crate) renewed: usize,
    pub(crate) slow_receipts: bool,
    pub(crate) stuck_receipts: bool,
}

/// A device of it.
pub(crate) struct Inhabitant {
    pub(crate) session: Option<mpsc::Sender<ToDevice>>,
    pub(crate) queue: VecDeque<DeviceBound>,
    pub(crate) locked: HashMap<String, DeviceBound>,
    pub(crate) reported: serde_json::Value,
    pub(crate) reported_version: u64,
    pub(crate) features: iolite_messaging::Features,
}

impl Default for Inhabitant {
    fn default() -> Self {
        Self {
            session: None,
            queue: VecDeque::new(),
            locked: HashMap::new(),
            reported: serde_json::json!({}),
            reported_version: 1,
            features: iolite_messaging::Features::default(),
        }
    }
}

impl World {
    pub(crate) fn new(ground: Ground) -> Arc<Self> {
        Arc::new(Self {
            ground,
            state: Mutex::default(),
            events_changed: watch::Sender::new(0),
            notices_changed: watch::Sender::new(0),
        })
    }

    pub(crate) fn context(self: &Arc<Self>, draining: watch::Receiver<bool>) -> iolite_amqp::Context {
        iolite_amqp::Context {
            arrival: Arrival {
                transport: Transport::Amqp,
                host: "localhost".into(),
                client: Client { address: None, agent: "".into() },
                certificate: None,
            },
            devices: Arc::new(device::Door(self.clone())),
            services: Arc::new(service::Door(self.clone())),
            ground: self.ground.clone(),
            draining,
            limits: iolite_amqp::Limits::default(),
        }
    }

    /// Believes a token until its end.
    pub(crate) fn believe(&self, credential: &Credential) -> Result<Timestamp, SignInError> {
        let unauthorized = || SignInError::Unauthorized(ServiceError::new(&UNAUTHORIZED, "Unauthorized"));
        match credential {
            Credential::Bearer(_) => Ok(self.ground.now() + iolite_kernel::SignedDuration::from_hours(1)),
            Credential::SharedAccessSignature(text) => {
                let end = text.reveal().split(['&', ' ']).find_map(|part| part.strip_prefix("se="));
                let end = end.and_then(|end| end.parse().ok()).and_then(|end| Timestamp::from_second(end).ok());
                let end = end.filter(|end| *end > self.ground.now() && !text.reveal().contains("sig=bad"));
                end.ok_or_else(unauthorized)
            }
            _ => Err(unauthorized()),
        }
    }

    pub(crate) fn send_to_device(&self, device: &str, message: Message) {
        let mut state = self.state.lock().unwrap();
        let sequence_number = u64::try_from(state.settled.len()).unwrap() + 1;
        let inhabitant = state.devices.entry(device.to_owned()).or_default();
        inhabitant.queue.push_back(DeviceBound {
            message,
            lock_token: self.ground.uuid().to_string(),
            sequence_number,
            enqueued_at: self.ground.now(),
            delivery_count: 0,
        });
        if let (Some(session), true) = (&inhabitant.session, inhabitant.features.device_bound) {
            let _ = session.try_send(ToDevice::DeviceBound);
        }
    }

    pub(crate) fn tell(&self, device: &str, news: ToDevice) {
        let state = self.state.lock().unwrap();
        let session = state.devices.get(device).and_then(|device| device.session.clone());
        session.unwrap().try_send(news).unwrap();
    }

    pub(crate) fn close(&self, device: &str, reason: CloseReason) {
        self.tell(device, ToDevice::Close(reason));
    }

    pub(crate) fn change_desired(&self, device: &str, version: u64, patch: &'static str) {
        self.tell(device, ToDevice::Desired(Box::new(DesiredChange { version, patch: patch.into() })));
    }

    pub(crate) fn call(&self, device: &str, name: &str, payload: &'static str) -> oneshot::Receiver<(i32, Bytes)> {
        let (answer, answered) = oneshot::channel();
        let request_id = self.ground.uuid().to_string();
        self.state.lock().unwrap().calls.insert(request_id.clone(), answer);
        self.tell(
            device,
            ToDevice::Method(Box::new(MethodCall { request_id, name: name.into(), payload: payload.into() })),
        );
        answered
    }

    pub(crate) fn notify(&self, body: &'static str) {
        let notice = Notice {
            content_type: "application/vnd.microsoft.iothub.feedback.json",
            body: body.into(),
            user_id: "hub".into(),
            sequence_number: 1,
            enqueued_at: self.ground.now(),
            lock_token: self.ground.uuid().to_string(),
            delivery_count: 0,
        };
        self.state.lock().unwrap().notices.push_back(notice);
        self.notices_changed.send_modify(|turn| *turn += 1);
    }

    pub(crate) fn end_link(&self, address: &str, end: LinkEnd) {
        let mut state = self.state.lock().unwrap();
        let index = state.link_ends.iter().position(|(known, _)| known.contains(address)).unwrap();
        let (_, ending) = state.link_ends.remove(index);
        let _ = ending.send(end);
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.ground.uuid()
    }
}
