//! What travels between the wire and a hub, and the doors between the two.
//!
//! The wire crates (`mqtt`, `amqp`) turn bytes into the values here and call the traits here; `hub` and `server` implement
//! them. So a wire crate knows no service, and a service no protocol.
//!
//! A *door* looks at a credential and decides, as for a single request. What it hands out lasts: a [`DeviceSession`] or a
//! link is a permit in use, and it ends when what it was granted on ends (a key is replaced, a device disabled, SAS
//! switched off, a token expires): the session's owner then gets [`ToDevice::Close`], a link's [`LinkEnd`].

mod audience;
mod device;
mod event;
mod message;
mod room;
mod service;

pub use audience::{Audience, bare_host};
pub use device::{
    CloseReason, DesiredChange, DeviceBound, DeviceClaim, DeviceDoor, DeviceSession, Features, KeptSession, MethodCall,
    Receipt, Settlement, SignedIn, ToDevice, ToDeviceReceiver,
};
pub use event::{EventError, EventOrigin, HubEvent};
pub use message::{Message, SystemName};
pub use room::{Room, Share, UNFINISHED};
pub use service::{
    Acceptance, Arrival, DeviceBoundSender, EntityFacts, EventReader, EventWindow, FoundEvent, LinkEnd, Management,
    Notice, NoticeReceiver, PartitionFacts, Position, ServiceAddress, ServiceDoor, ServiceLink, SignInError,
    TokenGrant, Transport,
};

/// A future that a door, session or link hands out.
pub type Doing<'a, T> = futures_util::future::BoxFuture<'a, T>;
