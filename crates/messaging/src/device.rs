//! A device or module at the door, and the session it gets.
//!
//! Implemented by `hub` (sessions) and `server` (the door); used by `mqtt` and `amqp`.

use bytes::Bytes;
use iolite_identity::Credential;
use iolite_kernel::{ServiceError, Timestamp};
use tokio::sync::mpsc;

use crate::{Arrival, Doing, Message, SignInError};

/// Lets devices and modules in.
pub trait DeviceDoor: Send + Sync {
    /// Looks at the claim's credential (or the connection's certificate), decides, and opens a session.
    ///
    /// A session that takes the connection (`claim.exclusive`) ends every earlier one of the same identity with
    /// [`CloseReason::TakenOver`].
    fn sign_in(&self, arrival: Arrival, claim: DeviceClaim) -> Doing<'_, Result<SignedIn, SignInError>>;
}

/// Who a connection says it is.
#[derive(Debug, Clone)]
pub struct DeviceClaim {
    /// The hub's host as the client names it: from the MQTT user name or the AMQP audience, lower case, without port.
    pub host: String,
    /// The device's id, with case.
    pub device_id: String,
    /// The module's id, with case.
    pub module_id: Option<String>,
    /// What it shows; [`Credential::None`] leaves the connection's certificate.
    pub credential: Credential,
    /// `api-version` as sent, or empty.
    pub api_version: String,
    /// The Plug and Play model it announces.
    pub model_id: Option<String>,
    /// `DeviceClientType`, or the AMQP client version; empty where none was sent.
    pub client_type: String,
    /// Whether it is the identity's one connection (MQTT always; AMQP from its first device link on).
    pub exclusive: bool,
}

/// A session and what the hub tells it.
pub struct SignedIn {
    /// What the device may do.
    pub session: Box<dyn DeviceSession>,
    /// What the hub tells it; ends after [`ToDevice::Close`].
    pub inbox: ToDeviceReceiver,
    /// When the credential ends; a certificate's session has no end of its own. The hub closes the session then
    /// ([`CloseReason::Expired`]); AMQP may [`DeviceSession::renew`] before.
    pub expires_at: Option<Timestamp>,
}

/// The receiving end of what the hub tells a session. Bounded: a session that does not read is closed.
pub type ToDeviceReceiver = mpsc::Receiver<ToDevice>;

/// What the hub tells a device. Small: every inbox has room for a good number of them, however seldom they come.
#[derive(Debug)]
pub enum ToDevice {
    /// A direct method is called; answer with [`DeviceSession::answer_method`].
    Method(Box<MethodCall>),
    /// Desired properties changed.
    Desired(Box<DesiredChange>),
    /// A cloud-to-device message waits; fetch with [`DeviceSession::receive`].
    DeviceBound,
    /// The session has ended; nothing follows.
    Close(CloseReason),
}

/// A direct method called on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodCall {
    /// Pairs the answer with the call; unique within the session. A GUID's text, as AMQP wants it.
    pub request_id: String,
    /// The method's name.
    pub name: String,
    /// The payload, JSON text (`null` where the caller gave none).
    pub payload: Bytes,
}

/// A change of desired properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredChange {
    /// `$version` of the section after the change.
    pub version: u64,
    /// The patch, a JSON object that carries `$version` too; what was removed is `null`.
    pub patch: Bytes,
}

/// A cloud-to-device message that a device has under lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceBound {
    /// The message; `To` is `/devices/{id}/messages/deviceBound` (or the module's).
    pub message: Message,
    /// Settles it.
    pub lock_token: String,
    /// Its place in the queue.
    pub sequence_number: u64,
    /// When it was sent.
    pub enqueued_at: Timestamp,
    /// How often it was given back before.
    pub delivery_count: u32,
}

/// What a receiver says of a message under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Done with.
    Complete,
    /// Refused for good.
    Reject,
    /// Given back.
    Abandon,
}

/// What a session asks to be told. All off at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Direct methods: only a session with this on counts as reachable.
    pub methods: bool,
    /// Changes of desired properties.
    pub desired: bool,
    /// Cloud-to-device messages.
    pub device_bound: bool,
}

/// What lasts of an MQTT session that the client asked to outlive its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptSession {
    /// What was subscribed to, as the wire writes it: a hub keeps it, and reads nothing in it.
    pub subscriptions: u8,
}

/// Why the hub ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The same identity connected anew (400027).
    TakenOver,
    /// The credential's time is over.
    Expired,
    /// What the session was granted on no longer holds: key replaced, device disabled or deleted, SAS switched off,
    /// certificate removed, address no longer let in.
    Revoked,
    /// The session did not take what it was sent.
    TooSlow,
    /// A fault was asked for (400029): end the connection as the protocol ends it.
    InjectedFault,
    /// A fault was asked for: drop the connection without a word.
    InjectedCut,
    /// A fault was asked for: end the AMQP session it came by, MQTT's connection.
    InjectedSessionFault,
    /// A fault was asked for: end the AMQP links it came by, MQTT's connection.
    InjectedLinkFault,
    /// The process drains.
    Shutdown,
}

/// That an event was taken; it may still be on its way to the disk.
#[must_use]
pub struct Receipt(Option<Doing<'static, Result<(), ServiceError>>>);

impl Receipt {
    /// Kept already: acknowledge at once.
    pub const fn settled() -> Self {
        Self(None)
    }

    /// Kept when `pending` is through. Receipts of one session become settled in the order they were given.
    pub fn waiting(pending: Doing<'static, Result<(), ServiceError>>) -> Self {
        Self(Some(pending))
    }

    /// Whether it can be acknowledged at once.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.0.is_none()
    }

    /// What is still to be waited for, if anything: for a wire that waits for many receipts in their order.
    pub fn into_pending(self) -> Option<Doing<'static, Result<(), ServiceError>>> {
        self.0
    }

    /// Until the event is kept, or cannot be.
    pub async fn wait(self) -> Result<(), ServiceError> {
        match self.0 {
            None => Ok(()),
            Some(pending) => pending.await,
        }
    }
}

/// What a signed-in device or module may do: the permit is the session itself. Dropping it disconnects.
pub trait DeviceSession: Send + Sync {
    /// Takes an event. Quick and without waiting; the receipt tells when it is kept. Refusals are the hub's own
    /// (`MessageTooLarge`, `ThrottlingException`, `IotHubQuotaExceeded`).
    fn send_event(&self, message: Message) -> Result<Receipt, ServiceError>;

    /// Takes the last will that was left at sign-in, when the connection ended without a goodbye: after the session's end
    /// too, unless it was [`CloseReason::Revoked`].
    fn send_will(&self, message: Message) -> Result<Receipt, ServiceError> {
        self.send_event(message)
    }

    /// Which of the hub's news it wants from now on. Turning `device_bound` on tells at once when messages wait.
    fn listen(&self, features: Features);

    /// The twin as a device sees it: JSON `{"desired":{…,"$version":n},"reported":{…,"$version":n}}`, without metadata.
    fn twin(&self) -> Doing<'_, Result<Bytes, ServiceError>>;

    /// Merges a JSON object into the reported properties; the new `$version` of the section.
    fn report(&self, patch: Bytes) -> Doing<'_, Result<u64, ServiceError>>;

    /// Answers a direct method. An answer that nobody waits for any more is dropped.
    fn answer_method(&self, request_id: &str, status: i32, payload: Bytes);

    /// Locks the next waiting cloud-to-device message, if there is one.
    fn receive(&self) -> Doing<'_, Result<Option<DeviceBound>, ServiceError>>;

    /// Settles a message under lock; `DeviceMessageLockLost` where the lock is gone.
    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>>;

    /// Shows a newer credential (AMQP put-token); the session then lasts as long as that.
    fn renew(&self, credential: Credential) -> Doing<'_, Result<Option<Timestamp>, SignInError>>;

    /// What the identity's earlier MQTT connection left behind (clean session 0); `None` after a clean one.
    fn kept(&self) -> Option<KeptSession> {
        None
    }

    /// Leaves this for the identity's next MQTT connection; `None` forgets what was left.
    fn keep(&self, session: Option<KeptSession>) {
        let _ = session;
    }

    /// That the connection ended: `clean` where the client said so. Presence and events follow from it.
    fn close(&self, clean: bool);
}
