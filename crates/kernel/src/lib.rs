//! The ground every crate stands on.
//!
//! Called by every other crate of the house; depends on none of them. It holds no I/O and no service's rules: the
//! injected clock and entropy, identifiers and etags, the shape of an [`Operation`], the [`Request`] a wire crate makes
//! of bytes, the [`Answer`] it turns back into bytes, and the [`ServiceError`] that stands for a refusal.

mod answer;
mod clock;
mod entropy;
mod error;
mod etag;
mod ground;
mod media_type;
mod operation;
mod page;
mod request;
mod right;
mod scope;
mod secret;
mod wire_time;

pub use answer::{Answer, Body};
pub use clock::{Clock, SteerableClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::{ErrorCode, ServiceError};
pub use etag::{EntityTag, Precondition, PreconditionError};
pub use ground::Ground;
pub use media_type::MediaType;
pub use operation::{ApiVersions, Method, Need, Operation, Service, Support};
pub use page::{PageToken, PageTokenError};
pub use request::{Client, Fields, Params, Request, path_of};
pub use right::{Right, Rights, UnknownRight};
pub use scope::{ResourceId, Scope, ScopeError};
pub use secret::Secret;
pub use wire_time::{
    NEVER, iso_offset_seven_digits, iso_seconds, iso_seven_digits, iso_shortest, month_first_seconds, rfc_1123,
};

pub use bytes::Bytes;
pub use jiff::{SignedDuration, Timestamp};
pub use smol_str::SmolStr;
pub use uuid::Uuid;
