//! A back end at the door, and the links it gets over AMQP: sending to devices, receiving notices, reading events.
//!
//! Implemented by `hub` (links) and `server` (the door); used by `amqp`.

use std::sync::Arc;

use bytes::Bytes;
use iolite_identity::{ClientCertificate, Credential};
use iolite_kernel::{Client, ServiceError, Timestamp};

use crate::{CloseReason, Doing, HubEvent, Message, Settlement};

/// How a connection came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// MQTT on 8883.
    Mqtt,
    /// MQTT in a WebSocket.
    MqttWebSocket,
    /// AMQP on 5671.
    Amqp,
    /// AMQP in a WebSocket.
    AmqpWebSocket,
    /// AMQP on 5672, without TLS, for Event Hubs clients in development mode.
    AmqpPlain,
}

impl Transport {
    /// The name that decisions and events show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::MqttWebSocket => "MQTT-WS",
            Self::Amqp | Self::AmqpPlain => "AMQP",
            Self::AmqpWebSocket => "AMQP-WS",
        }
    }
}

/// A connection, as far as a door must know it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// How it came in.
    pub transport: Transport,
    /// The host it dialled, as far as the protocol tells (SNI, WebSocket Host, AMQP open); lower case, without port.
    pub host: String,
    /// Who is at the other end.
    pub client: Client,
    /// The certificate whose key the handshake proved.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// Why a door stayed shut.
#[derive(Debug)]
pub enum SignInError {
    /// Nobody believed the credential, or it does not reach so far (401).
    Unauthorized(ServiceError),
    /// There is no such hub, device, module or entity (404).
    NotFound(ServiceError),
    /// Known, and not let in: disabled, quota, address filtered (403, 429).
    Forbidden(ServiceError),
    /// The claim itself is malformed (400).
    Malformed(ServiceError),
    /// The hub cannot answer now (5xx).
    Unavailable(ServiceError),
}

impl SignInError {
    /// What the service says of it.
    #[must_use]
    pub const fn error(&self) -> &ServiceError {
        match self {
            Self::Unauthorized(error)
            | Self::NotFound(error)
            | Self::Forbidden(error)
            | Self::Malformed(error)
            | Self::Unavailable(error) => error,
        }
    }
}

/// What a token is good for, as told on `$cbs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Where a service link leads. Addresses of devices are the device door's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceAddress {
    /// `/messages/devicebound`: sends to devices.
    DeviceBound,
    /// `/messages/serviceBound/feedback`: receives feedback on messages sent.
    Feedback,
    /// `/messages/serviceBound/filenotifications`: receives word of uploads.
    FileNotifications,
    /// `{entity}/$management`, or `/messages/events/$management`: facts of an event stream.
    EventsManagement {
        /// The entity's path; `None` for the hub's own `/messages/events`.
        entity: Option<String>,
    },
    /// `{entity}/ConsumerGroups/{group}/Partitions/{n}`: reads events.
    Events {
        /// The entity's path; `None` for the hub's own `/messages/events`.
        entity: Option<String>,
        /// The consumer group.
        consumer_group: String,
        /// The partition.
        partition: String,
        /// Where to begin.
        from: Position,
        /// The epoch of an exclusive reader: a higher one ends the lower, and a lower one is refused.
        epoch: Option<i64>,
    },
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At the oldest event kept.
    Earliest,
    /// After the newest event.
    Latest,
    /// After this sequence number, or at it.
    Sequence(i64, bool),
    /// After this offset, or at it.
    Offset(i64, bool),
    /// After this time.
    EnqueuedAfter(Timestamp),
}

/// Lets back ends in.
pub trait ServiceDoor: Send + Sync {
    /// Judges a token put on `$cbs` (or shown in SASL PLAIN) for `audience`, as sent. A link is judged again on its own.
    fn check_token(
        &self,
        arrival: &Arrival,
        audience: &str,
        credential: &Credential,
    ) -> Doing<'_, Result<TokenGrant, SignInError>>;

    /// Decides and opens a link. `credential` is the connection's token whose audience covers the address.
    fn open(
        &self,
        arrival: &Arrival,
        credential: &Credential,
        address: ServiceAddress,
    ) -> Doing<'_, Result<ServiceLink, SignInError>>;
}

/// A link that was let in, and how it learns that it must end.
pub struct ServiceLink {
    /// What it may do.
    pub acceptance: Acceptance,
    /// Resolves when the link must end: SAS switched off, key replaced, token expired, role withdrawn, epoch overtaken.
    pub end: Doing<'static, LinkEnd>,
    /// Where the link really belongs: the hub answers its own `/messages/events…` by a redirect to the entity.
    pub redirect: Option<EntityFacts>,
}

/// Why a service link ends.
#[derive(Debug)]
pub enum LinkEnd {
    /// As for a device's session.
    Closed(CloseReason),
    /// A reader of a higher epoch came (`amqp:link:stolen`).
    Stolen,
}

/// What a service link may do.
pub enum Acceptance {
    /// Send to devices.
    DeviceBound(Box<dyn DeviceBoundSender>),
    /// Receive notices: feedback or uploads.
    Notices(Box<dyn NoticeReceiver>),
    /// Ask for the facts of an event stream.
    Management(Box<dyn Management>),
    /// Read events.
    Events(Box<dyn EventReader>),
}

/// Sends to devices and modules.
pub trait DeviceBoundSender: Send + Sync {
    /// Enqueues `message` for the device (or module) that its `To` names; resolves when it is kept. Refusals are the hub's
    /// own (`DeviceNotFound`, `DeviceMaximumQueueDepthExceeded`, `MessageTooLarge`, `InvalidMessageExpiryTime`).
    fn send(&self, message: Message) -> Doing<'_, Result<(), ServiceError>>;
}

/// A notice under lock: a batch of feedback records, or a file notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `application/vnd.microsoft.iothub.feedback.json` or `application/vnd.microsoft.iothub.filenotification.json`.
    pub content_type: &'static str,
    /// JSON text.
    pub body: Bytes,
    /// The hub's name, as the user id.
    pub user_id: String,
    /// Its place in the queue.
    pub sequence_number: u64,
    /// When it was made.
    pub enqueued_at: Timestamp,
    /// Settles it; a GUID's text.
    pub lock_token: String,
    /// How often it was given back before.
    pub delivery_count: u32,
}

/// Receives notices.
pub trait NoticeReceiver: Send + Sync {
    /// Until a notice is there and locked.
    fn next(&self) -> Doing<'_, Result<Notice, ServiceError>>;

    /// Settles a notice under lock.
    fn settle(&self, lock_token: &str, settlement: Settlement) -> Doing<'_, Result<(), ServiceError>>;
}

/// The facts of an Event Hubs-compatible entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityFacts {
    /// The host to dial.
    pub host: String,
    /// Its path.
    pub path: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its partitions' ids.
    pub partitions: Vec<String>,
}

/// The facts of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionFacts {
    /// The first sequence number that is kept; 0 where nothing ever was.
    pub first_sequence_number: i64,
    /// The last one given; -1 where nothing ever was.
    pub last_sequence_number: i64,
    /// The last event's offset; `-1` where there is none.
    pub last_offset: i64,
    /// When the last event came.
    pub last_enqueued_at: Option<Timestamp>,
}

/// Tells the facts of an entity.
pub trait Management: Send + Sync {
    /// The entity.
    fn entity(&self) -> EntityFacts;

    /// A partition of it, if it has one of that id.
    fn partition(&self, id: &str) -> Option<PartitionFacts>;
}

/// An event as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvent {
    /// The event.
    pub event: HubEvent,
    /// Its sequence number in the partition.
    pub sequence_number: i64,
    /// Its offset in the partition.
    pub offset: i64,
    /// When it came.
    pub enqueued_at: Timestamp,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventWindow {
    /// No more events than this.
    pub events: usize,
    /// About so many bytes at most; one event at least.
    pub bytes: usize,
}

/// Reads the events of one partition, one after the other.
pub trait EventReader: Send + Sync {
    /// Until there is an event after the last one read; then as many as there are and `window` takes.
    fn next(&self, window: EventWindow) -> Doing<'_, Result<Vec<FoundEvent>, ServiceError>>;

    /// The partition's facts, for the annotations on what is delivered.
    fn facts(&self) -> PartitionFacts;
}
