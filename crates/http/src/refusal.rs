//! Every way a request is turned away before, or instead of, running an operation.

use std::sync::Arc;

use iolite_access::Decision;
use iolite_kernel::{Method, Operation};

/// A refusal by the house rather than by an operation; each [`Face`](crate::face::Face) says it as its service would.
#[derive(Debug)]
pub enum Refusal {
    /// The service has no such path.
    UnknownPath,
    /// The path is not UTF-8 once its escapes are resolved, or has a NUL.
    MalformedPath,
    /// The path knows other methods only.
    MethodNotAllowed {
        /// Those it knows.
        allowed: Vec<Method>,
    },
    /// No `api-version` was given.
    ApiVersionMissing {
        /// The operation it is missing for.
        operation: &'static Operation,
    },
    /// The `api-version` is none that the operation answers to.
    ApiVersionUnknown {
        /// The operation.
        operation: &'static Operation,
        /// What was given.
        given: String,
    },
    /// The door said no.
    Denied(Arc<Decision>),
    /// The operation is known and not built.
    NotSupported {
        /// The operation.
        operation: &'static Operation,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// The body is larger than is read.
    BodyTooLarge {
        /// How many bytes are read.
        limit: usize,
    },
    /// The body broke off or came too slowly.
    BodyUnreadable,
    /// The bodies of other requests take all the room that there is.
    NoRoom {
        /// When it is worth trying again.
        retry_after_seconds: u64,
    },
    /// There is no such hub, provisioning service or instance (any more).
    UnknownResource,
}
