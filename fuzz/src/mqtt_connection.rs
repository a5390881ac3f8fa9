//! A whole MQTT connection, from its first byte to its end: what a client sends is the fuzzer's, and so is when the hub
//! calls a method, changes desired properties or has a message.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_kernel::{Client, ErrorCode, Ground, ServiceError, Timestamp};
use iolite_messaging::{
    Arrival, CloseReason, DesiredChange, DeviceBound, DeviceClaim, DeviceDoor, DeviceSession, Doing, Features,
    KeptSession, Message, MethodCall, Receipt, Settlement, SignInError, SignedIn, SystemName, ToDevice, Transport,
};
use iolite_mqtt::{Context, Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::{mpsc, watch};

use crate::{Script, on_a_patient_clock};

/// Bits of the script's mode.
pub const SIGNED_IN: u8 = 1;
const MODULE: u8 = 2;
const REFUSES: u8 = 4;
const LASTING: u8 = 8;

/// Serves one client, and looks at everything that it is sent.
pub fn try_on(bytes: &[u8]) {
    let Some(script) = Script::read(bytes) else { return };
    on_a_patient_clock(async move {
        let hub = Hub::default();
        hub.state().refuses = script.mode & REFUSES != 0;
        let (client, served) = duplex(64 * 1024);
        let (_drain, draining) = watch::channel(false);
        let context = Context {
            arrival: Arrival {
                transport: Transport::Mqtt,
                host: "localhost".into(),
                client: Client { address: None, agent: "".into() },
                certificate: None,
            },
            door: Arc::new(hub.clone()),
            ground: Ground::system(),
            draining,
            limits: Arc::new(Limits::default()),
        };
        let serving = tokio::spawn(serve(served, context));
        let (mut heard, mut said) = tokio::io::split(client);
        let listening = tokio::spawn(async move {
            let mut all = Vec::new();
            let _ = heard.read_to_end(&mut all).await;
            all
        });
        if script.mode & SIGNED_IN != 0 {
            let _ = said.write_all(&connect(script.mode)).await;
        }
        for (piece, then) in script.pieces() {
            if said.write_all(piece).await.is_err() {
                break;
            }
            // Until the server has nothing more to do.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            hub.turn(then);
        }
        let _ = said.shutdown().await;
        drop(said);
        serving.await.expect("the connection's task");
        check(&listening.await.expect("the client's task"));
    });
}

/// CONNECT of the device `d` or its module `m`.
#[must_use]
pub fn connect(mode: u8) -> Vec<u8> {
    let id: &[u8] = if mode & MODULE != 0 { b"d/m" } else { b"d" };
    let user = [b"localhost/", id, b"/?api-version=2021-04-12"].concat();
    let mut body = b"\0\x04MQTT\x04".to_vec();
    body.extend([if mode & LASTING != 0 { 0xc0 } else { 0xc2 }, 0, 60]);
    for text in [id, &user, b"SharedAccessSignature sr=x&sig=y&se=1"] {
        body.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
        body.extend(text);
    }
    [&[0x10, u8::try_from(body.len()).expect("a short packet")], &body[..]].concat()
}

/// Everything sent is whole packets that a hub may send, CONNACK first.
fn check(mut sent: &[u8]) {
    let mut first = true;
    while let Some((&head, rest)) = sent.split_first() {
        let (mut length, mut place, mut at) = (0, 0, 0);
        loop {
            let byte = rest[at];
            length |= usize::from(byte & 0x7f) << place;
            (place, at) = (place + 7, at + 1);
            if byte < 0x80 {
                break;
            }
            assert!(at < 4, "a length of more than four bytes");
        }
        let (body, later) = rest[at..].split_at_checked(length).expect("a packet was cut");
        assert_eq!(first, head == 0x20, "CONNACK is the first packet, and no other is");
        check_packet(head, body);
        (first, sent) = (false, later);
    }
}

fn check_packet(head: u8, body: &[u8]) {
    match head {
        0x20 => assert!(body.len() == 2 && body[0] <= 1 && body[1] <= 5 && (body[0] == 0 || body[1] == 0)),
        0x40 | 0xb0 => assert!(body.len() == 2 && body != [0, 0]),
        0x90 => assert!(body.len() > 2 && body[2..].iter().all(|granted| *granted <= 1)),
        0xd0 => assert!(body.is_empty()),
        _ => {
            assert!(matches!(head, 0x30 | 0x32 | 0x3a), "{head:x} was sent");
            let (length, rest) = body.split_first_chunk().expect("a topic");
            let topic = &rest[..usize::from(u16::from_be_bytes(*length))];
            let topic = std::str::from_utf8(topic).expect("a text");
            assert!(!topic.is_empty() && !topic.contains(['\0', '+', '#']), "{topic:?}");
        }
    }
}

/// A door that lets everyone in, unless it refuses, and the hub behind it.
#[derive(Clone, Default)]
struct Hub(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    refuses: bool,
    inbox: Option<mpsc::Sender<ToDevice>>,
    features: Features,
    queue: VecDeque<DeviceBound>,
    kept: Option<KeptSession>,
    turns: u64,
    reported: u64,
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic before")
    }

    /// Does one of the things that a hub does by itself.
    fn turn(&self, which: u8) {
        let mut state = self.state();
        state.turns += 1;
        let turn = state.turns;
        let news = match which {
            1 => ToDevice::Method(Box::new(MethodCall {
                request_id: turn.to_string(),
                name: ["reboot", "a*b/c", "#+\0"][usize::try_from(turn % 3).expect("small")].into(),
                payload: Bytes::from_static(b"null"),
            })),
            2 => ToDevice::Desired(Box::new(DesiredChange { version: turn, patch: Bytes::from_static(b"{}") })),
            3 => {
                state.queue.push_back(bound(turn));
                if !state.features.device_bound {
                    return;
                }
                ToDevice::DeviceBound
            }
            _ => return,
        };
        if let Some(inbox) = &state.inbox
            && inbox.try_send(news).is_err()
        {
            state.inbox = None;
        }
    }
}

fn bound(turn: u64) -> DeviceBound {
    let mut message = Message::of(turn.to_string());
    message.properties.push(("k+#".into(), (turn % 2 == 0).then(|| "v\0/".into())));
    if turn % 5 == 0 {
        message.set_system(SystemName::InputName, "in/+");
    }
    DeviceBound {
        message,
        lock_token: turn.to_string(),
        sequence_number: turn,
        enqueued_at: Timestamp::UNIX_EPOCH,
        delivery_count: u32::try_from(turn % 2).expect("small"),
    }
}

static REFUSED: ErrorCode = ErrorCode { status: 401, number: 401_003, name: "IotHubUnauthorized" };
static INVALID: ErrorCode = ErrorCode { status: 400, number: 400_004, name: "ArgumentInvalid" };

impl DeviceDoor for Hub {
    fn sign_in(&self, _: Arrival, claim: DeviceClaim) -> Doing<'_, Result<SignedIn, SignInError>> {
        Box::pin(async move {
            assert!(!claim.device_id.is_empty() && claim.exclusive);
            tokio::task::yield_now().await;
            let mut state = self.state();
            if state.refuses {
                return Err(SignInError::Unauthorized(ServiceError::new(&REFUSED, "no")));
            }
            let (sender, inbox) = mpsc::channel(8);
            state.inbox = Some(sender);
            let session: Box<dyn DeviceSession> = Box::new(self.clone());
            Ok(SignedIn { session, inbox, expires_at: None })
        })
    }
}

impl DeviceSession for Hub {
    fn send_event(&self, message: Message) -> Result<Receipt, ServiceError> {
        match &*message.body {
            b"refuse" => Err(ServiceError::new(&INVALID, "as you wish")),
            b"later" => Ok(Receipt::waiting(Box::pin(async {
                tokio::task::yield_now().await;
                Ok(())
            }))),
            b"lost" => Ok(Receipt::waiting(Box::pin(async { Err(ServiceError::new(&INVALID, "not kept")) }))),
            b"close" => {
                if let Some(inbox) = self.state().inbox.take() {
                    let _ = inbox.try_send(ToDevice::Close(CloseReason::TakenOver));
                }
                Ok(Receipt::settled())
            }
            _ => Ok(Receipt::settled()),
        }
    }

    fn listen(&self, features: Features) {
        let mut state = self.state();
        state.features = features;
        if let (Some(inbox), true, false) = (&state.inbox, features.device_bound, state.queue.is_empty()) {
            let _ = inbox.try_send(ToDevice::DeviceBound);
        }
    }

    fn twin(&self) -> Doing<'_, Result<Bytes, ServiceError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(Bytes::from_static(b"{}"))
        })
    }

    fn report(&self, patch: Bytes) -> Doing<'_, Result<u64, ServiceError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if patch.is_empty() {
                return Err(ServiceError::new(&INVALID, "nothing"));
            }
            let mut state = self.state();
            state.reported += 1;
            Ok(state.reported)
        })
    }

    fn answer_method(&self, request_id: &str, _: i32, _: Bytes) {
        assert!(!request_id.is_empty());
    }

    fn receive(&self) -> Doing<'_, Result<Option<DeviceBound>, ServiceError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(self.state().queue.pop_front())
        })
    }

    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>> {
        let turn: u64 = lock_token.parse().expect("a lock of ours");
        Box::pin(async move {
            tokio::task::yield_now().await;
            if settlement == Settlement::Abandon {
                self.state().queue.push_front(bound(turn));
            }
            Ok(())
        })
    }

    fn renew(&self, _: Credential) -> Doing<'_, Result<Option<Timestamp>, SignInError>> {
        unreachable!("MQTT renews nothing")
    }

    fn kept(&self) -> Option<KeptSession> {
        self.state().kept
    }

    fn keep(&self, session: Option<KeptSession>) {
        self.state().kept = session;
    }

    fn close(&self, _: bool) {
        self.state().inbox = None;
    }
}
