//! One connection of one identity, as everyone but its own session sees it.
//!
//! The hub tells it news, ends it, and asks it whether it listens. It is small: a hub holds as many as there are devices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use bytes::Bytes;
use iolite_kernel::{ErrorCode, Timestamp};
use iolite_messaging::{CloseReason, Features, ToDevice};
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::oneshot;

use crate::sessions::Grounds;
use crate::sessions::announced::Announced;

const METHODS: u8 = 1;
const DESIRED: u8 = 2;
const DEVICE_BOUND: u8 = 4;

/// The connection stands.
const OPEN: u8 = 0;
/// It has ended.
const OVER: u8 = 1;
/// It has ended because what it was granted on is gone.
const WITHDRAWN: u8 = 2;

/// No activity yet.
const NEVER: i64 = i64::MIN;

/// A connection.
pub(crate) struct Line {
    /// The identity's key.
    pub(crate) key: Arc<str>,
    /// The number of the connection in this process.
    pub(crate) epoch: u64,
    /// Whether it is, or was, its identity's one connection.
    pub(crate) exclusive: bool,
    features: AtomicU8,
    /// Whether it was told that messages wait and has not looked since.
    rung: AtomicBool,
    /// [`OPEN`], [`OVER`] or [`WITHDRAWN`].
    stage: AtomicU8,
    /// What was told of it.
    pub(crate) announced: Announced,
    /// Microseconds since 1970.
    activity: AtomicI64,
    wire: Mutex<Wire>,
    standing: Mutex<Standing>,
    /// Whether it suffers a fault that it asked for.
    refuses: AtomicBool,
    refusal: Mutex<Option<(Timestamp, &'static ErrorCode)>>,
    /// The direct methods that it was asked and has not answered.
    calls: Mutex<Vec<Call>>,
}

/// The way to the session's inbox.
#[derive(Default)]
struct Wire {
    inbox: Option<mpsc::Sender<ToDevice>>,
    /// Room that is kept for the last word.
    last: Option<OwnedPermit<ToDevice>>,
}

/// What the session stands on.
struct Standing {
    grounds: Arc<dyn Grounds>,
    expires_at: Option<Timestamp>,
    /// The end under which the session is listed among the expiries.
    listed: Option<Timestamp>,
}

/// A direct method on its way.
struct Call {
    request_id: String,
    reply: oneshot::Sender<Reply>,
}

/// What a device answers to a direct method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: i32,
    pub(crate) payload: Bytes,
}

impl Line {
    /// A connection that nobody can be told of yet.
    pub(crate) fn new(
        key: Arc<str>,
        epoch: u64,
        exclusive: bool,
        grounds: Arc<dyn Grounds>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self {
            key,
            epoch,
            exclusive,
            features: AtomicU8::new(0),
            rung: AtomicBool::new(false),
            stage: AtomicU8::new(OPEN),
            announced: Announced::default(),
            activity: AtomicI64::new(NEVER),
            wire: Mutex::default(),
            standing: Mutex::new(Standing { grounds, expires_at, listed: None }),
            refuses: AtomicBool::new(false),
            refusal: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// Joins the session's inbox.
    pub(crate) fn attach(&self, inbox: mpsc::Sender<ToDevice>) {
        let last = inbox.clone().try_reserve_owned().ok();
        *self.wire.lock() = Wire { inbox: Some(inbox), last };
    }

    /// Whether it is the one connection of a device, not of a module.
    pub(crate) fn is_seat_of_device(&self) -> bool {
        self.exclusive && self.key.bytes().filter(|byte| *byte == b'/').count() == 1
    }

    /// Says something to the session. A session that does not read is closed.
    pub(crate) fn tell(&self, news: ToDevice) -> Told {
        let wire = self.wire.lock();
        match wire.inbox.as_ref().map(|inbox| inbox.try_send(news)) {
            Some(Ok(())) => Told::Heard,
            Some(Err(mpsc::error::TrySendError::Full(_))) => Told::Full,
            Some(Err(mpsc::error::TrySendError::Closed(_))) | None => Told::Gone,
        }
    }

    /// Ends it, saying why where there is someone to say it to; whether it had not ended before.
    pub(crate) fn end(&self, reason: Option<CloseReason>) -> bool {
        let stage = if reason == Some(CloseReason::Revoked) { WITHDRAWN } else { OVER };
        if self.stage.compare_exchange(OPEN, stage, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return false;
        }
        let wire = std::mem::take(&mut *self.wire.lock());
        if let (Some(reason), Some(last)) = (reason, wire.last) {
            last.send(ToDevice::Close(reason));
        }
        // Whoever waits for an answer learns that none will come.
        self.calls.lock().clear();
        true
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.stage.load(Ordering::Acquire) != OPEN
    }

    /// Whether it has ended because what it was granted on is gone.
    pub(crate) fn was_withdrawn(&self) -> bool {
        self.stage.load(Ordering::Acquire) == WITHDRAWN
    }

    /// Whether what it was granted on still holds.
    pub(crate) fn holds(&self) -> bool {
        let grounds = self.standing.lock().grounds.clone();
        grounds.hold()
    }

    /// What it was granted on.
    pub(crate) fn grounds(&self) -> Arc<dyn Grounds> {
        self.standing.lock().grounds.clone()
    }

    /// Puts other grounds under it.
    pub(crate) fn stand_on(&self, grounds: Arc<dyn Grounds>, expires_at: Option<Timestamp>) {
        let mut standing = self.standing.lock();
        standing.grounds = grounds;
        standing.expires_at = expires_at;
    }

    /// When its credential ends.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        self.standing.lock().expires_at
    }

    /// Notes under which end it is listed now; the one before.
    pub(crate) fn listed_end(&self, now: Option<Timestamp>) -> Option<Timestamp> {
        std::mem::replace(&mut self.standing.lock().listed, now)
    }

    /// Makes `features` what it wants to be told.
    pub(crate) fn listen(&self, features: Features) {
        let bits = (u8::from(features.methods) * METHODS)
            | (u8::from(features.desired) * DESIRED)
            | (u8::from(features.device_bound) * DEVICE_BOUND);
        self.features.store(bits, Ordering::Release);
    }

    /// Whether a direct method would reach it.
    pub(crate) fn takes_methods(&self) -> bool {
        self.wants(METHODS)
    }

    /// Whether it wants to be told of changes of desired properties.
    pub(crate) fn wants_desired(&self) -> bool {
        self.wants(DESIRED)
    }

    fn wants(&self, feature: u8) -> bool {
        self.features.load(Ordering::Acquire) & feature != 0 && !self.has_ended()
    }

    /// Tells it that messages wait, unless it was told before and has not looked.
    pub(crate) fn ring(&self) -> Told {
        if !self.wants(DEVICE_BOUND) || self.rung.swap(true, Ordering::AcqRel) {
            return Told::Heard;
        }
        self.tell(ToDevice::DeviceBound)
    }

    /// It looks whether messages wait.
    pub(crate) fn looked(&self) {
        self.rung.store(false, Ordering::Release);
    }

    /// It did something.
    pub(crate) fn touch(&self, now: Timestamp) {
        self.activity.store(now.as_microsecond(), Ordering::Relaxed);
    }

    /// When it last did something.
    pub(crate) fn active_at(&self) -> Option<Timestamp> {
        match self.activity.load(Ordering::Relaxed) {
            NEVER => None,
            at => Timestamp::from_microsecond(at).ok(),
        }
    }

    /// Makes what it sends be refused as `code` until `end`.
    pub(crate) fn refuse_until(&self, end: Option<Timestamp>, code: &'static ErrorCode) {
        *self.refusal.lock() = end.map(|end| (end, code));
        self.refuses.store(end.is_some(), Ordering::Release);
    }

    /// What it is to be refused as, where it asked for that.
    pub(crate) fn refusal(&self, now: Timestamp) -> Option<&'static ErrorCode> {
        if !self.refuses.load(Ordering::Relaxed) {
            return None;
        }
        self.refusal.lock().filter(|(end, _)| now < *end).map(|(_, code)| code)
    }

    /// Expects an answer to the direct method `request_id`.
    pub(crate) fn expect(&self, request_id: String) -> oneshot::Receiver<Reply> {
        let (reply, answer) = oneshot::channel();
        self.calls.lock().push(Call { request_id, reply });
        answer
    }

    /// Expects it no longer.
    pub(crate) fn forget(&self, request_id: &str) {
        self.calls.lock().retain(|call| call.request_id != request_id);
    }

    /// Hands an answer to whoever waits for it.
    pub(crate) fn answer(&self, request_id: &str, reply: Reply) {
        let mut calls = self.calls.lock();
        if let Some(place) = calls.iter().position(|call| call.request_id == request_id) {
            // Who gave up waiting needs no answer.
            drop(calls.swap_remove(place).reply.send(reply));
        }
    }
}

/// What came of saying something to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It will hear it.
    Heard,
    /// It does not read.
    Full,
    /// It is gone.
    Gone,
}
