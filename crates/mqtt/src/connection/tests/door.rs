//! A door and a hub for tests: everybody is let in unless told otherwise, and everything asked is on record.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_kernel::{ErrorCode, ServiceError, Timestamp};
use iolite_messaging::{
    Arrival, CloseReason, DeviceBound, DeviceClaim, DeviceDoor, DeviceSession, Doing, Features, KeptSession, Message,
    Receipt, Settlement, SignInError, SignedIn, ToDevice,
};
use tokio::sync::{mpsc, oneshot};

pub(super) static UNAUTHORIZED: ErrorCode = ErrorCode { status: 401, number: 401_003, name: "IotHubUnauthorized" };
pub(super) static THROTTLED: ErrorCode = ErrorCode { status: 429, number: 429_001, name: "ThrottlingException" };
pub(super) static INVALID: ErrorCode = ErrorCode { status: 400, number: 400_004, name: "ArgumentInvalid" };

/// The hub behind the door.
#[derive(Clone, Default)]
pub(super) struct TestHub(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) claims: Vec<DeviceClaim>,
    pub(super) events: Vec<(String, Message)>,
    pub(super) wills: Vec<(String, Message)>,
    pub(super) listening: Vec<Features>,
    pub(super) settled: Vec<(String, Settlement)>,
    pub(super) answers: Vec<(String, i32, Bytes)>,
    pub(super) reported: Vec<Bytes>,
    pub(super) closed: Vec<bool>,
    pub(super) kept: Option<KeptSession>,
    /// Messages that wait for the device.
    pub(super) queue: VecDeque<DeviceBound>,
    /// How the door answers, once.
    pub(super) refuse: Option<SignInError>,
    /// How the next event is answered, once.
    pub(super) refuse_event: Option<ServiceError>,
    /// Whether receipts wait until they are settled by hand.
    pub(super) hold: bool,
    pub(super) held: VecDeque<oneshot::Sender<Result<(), ServiceError>>>,
    /// Whether the door answers at all.
    pub(super) mute: bool,
    inboxes: Vec<(String, mpsc::Sender<ToDevice>)>,
}

impl TestHub {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Tells the device something.
    pub(super) async fn tell(&self, news: ToDevice) {
        let inbox = self.state().inboxes.last().unwrap().1.clone();
        inbox.send(news).await.unwrap();
    }

    /// Puts messages into the device's queue and says so.
    pub(super) async fn enqueue(&self, bodies: impl IntoIterator<Item = &'static str>) {
        for body in bodies {
            let mut state = self.state();
            let sequence_number = 1 + state.queue.back().map_or(0, |last| last.sequence_number);
            state.queue.push_back(device_bound(sequence_number, Message::of(body)));
        }
        self.tell(ToDevice::DeviceBound).await;
    }

    /// Settles the receipts that are held, oldest first.
    pub(super) fn settle_held(&self, count: usize) {
        for _ in 0..count {
            self.state().held.pop_front().unwrap().send(Ok(())).unwrap();
        }
    }
}

/// A locked message; its lock is named after its number.
pub(super) fn device_bound(sequence_number: u64, message: Message) -> DeviceBound {
    DeviceBound {
        message,
        lock_token: format!("lock-{sequence_number}"),
        sequence_number,
        enqueued_at: Timestamp::UNIX_EPOCH,
        delivery_count: 0,
    }
}

impl DeviceDoor for TestHub {
    fn sign_in(&self, _: Arrival, claim: DeviceClaim) -> Doing<'_, Result<SignedIn, SignInError>> {
        Box::pin(async move {
            let (inbox, receiver) = mpsc::channel(8);
            let id = format!("{}/{}", claim.device_id, claim.module_id.as_deref().unwrap_or_default());
            let mute = self.state().mute;
            if mute {
                std::future::pending::<()>().await;
            }
            let earlier: Vec<_> = {
                let mut state = self.state();
                state.claims.push(claim);
                if let Some(error) = state.refuse.take() {
                    return Err(error);
                }
                let (same, others) =
                    std::mem::take(&mut state.inboxes).into_iter().partition(|(known, _)| *known == id);
                state.inboxes = others;
                state.inboxes.push((id.clone(), inbox));
                same
            };
            for (_, inbox) in earlier {
                let _ = inbox.send(ToDevice::Close(CloseReason::TakenOver)).await;
            }
            let session = Box::new(TestSession { hub: self.clone(), id });
            Ok(SignedIn { session, inbox: receiver, expires_at: None })
        })
    }
}

struct TestSession {
    hub: TestHub,
    id: String,
}

impl DeviceSession for TestSession {
    fn send_event(&self, message: Message) -> Result<Receipt, ServiceError> {
        let mut state = self.hub.state();
        if let Some(error) = state.refuse_event.take() {
            return Err(error);
        }
        state.events.push((self.id.clone(), message));
        if !state.hold {
            return Ok(Receipt::settled());
        }
        let (settle, settled) = oneshot::channel();
        state.held.push_back(settle);
        Ok(Receipt::waiting(Box::pin(async move { settled.await.unwrap() })))
    }

    fn send_will(&self, message: Message) -> Result<Receipt, ServiceError> {
        self.hub.state().wills.push((self.id.clone(), message));
        Ok(Receipt::settled())
    }

    fn listen(&self, features: Features) {
        self.hub.state().listening.push(features);
    }

    fn twin(&self) -> Doing<'_, Result<Bytes, ServiceError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            let version = self.hub.state().reported.len();
            Ok(format!(r#"{{"desired":{{"$version":1}},"reported":{{"$version":{version}}}}}"#).into())
        })
    }

    fn report(&self, patch: Bytes) -> Doing<'_, Result<u64, ServiceError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if !patch.starts_with(b"{") {
                return Err(ServiceError::new(&INVALID, "not an \"object\""));
            }
            let mut state = self.hub.state();
            state.reported.push(patch);
            Ok(state.reported.len() as u64)
        })
    }

    fn answer_method(&self, request_id: &str, status: i32, payload: Bytes) {
        self.hub.state().answers.push((request_id.to_owned(), status, payload));
    }

    fn receive(&self) -> Doing<'_, Result<Option<DeviceBound>, ServiceError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(self.hub.state().queue.pop_front())
        })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        let lock_token = lock_token.to_owned();
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.hub.state().settled.push((lock_token, settlement));
            Ok(())
        })
    }

    fn renew(&self, _: Credential) -> Doing<'_, Result<Option<Timestamp>, SignInError>> {
        Box::pin(async { Ok(None) })
    }

    fn kept(&self) -> Option<KeptSession> {
        self.hub.state().kept
    }

    fn keep(&self, session: Option<KeptSession>) {
        self.hub.state().kept = session;
    }

    fn close(&self, clean: bool) {
        self.hub.state().closed.push(clean);
    }
}
