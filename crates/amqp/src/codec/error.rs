//! An error as it travels in detach, end, close and rejected (part 2, section 2.8.14), and the conditions that we send.

use super::composite::{composite, split_composite};
use super::read::DecodeError;
use super::value::{Map, Symbol, Value};

composite! {
    /// Why something was refused or ended.
    AmqpError = 0x1d {
        /// The condition's name.
        condition: Symbol,
        /// For people.
        description: Option<Box<str>>,
        /// More, by name.
        info: Option<Map>,
    }
}

impl AmqpError {
    /// An error with a text.
    pub fn new(condition: &str, description: impl Into<Box<str>>) -> Self {
        Self { condition: Symbol::from(condition), description: Some(description.into()), info: None }
    }

    /// Adds an entry to its info.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.info.get_or_insert_default().annotate(key, value);
        self
    }

    pub(super) fn from_value(value: Value) -> Result<Self, DecodeError> {
        let (code, fields) = split_composite(value)?;
        if code != Self::CODE {
            return Err(DecodeError("an error is expected"));
        }
        Self::read(fields)
    }
}

/// Conditions of the standard (part 2, sections 2.8.15 to 2.8.18) and of the services.
pub mod condition {
    /// The peer is not who it should be, or shows nothing.
    pub const UNAUTHORIZED_ACCESS: &str = "amqp:unauthorized-access";
    /// There is nothing of that name.
    pub const NOT_FOUND: &str = "amqp:not-found";
    /// Known and not built.
    pub const NOT_IMPLEMENTED: &str = "amqp:not-implemented";
    /// Not allowed here.
    pub const NOT_ALLOWED: &str = "amqp:not-allowed";
    /// Something failed inside.
    pub const INTERNAL_ERROR: &str = "amqp:internal-error";
    /// Bytes that are no AMQP value.
    pub const DECODE_ERROR: &str = "amqp:decode-error";
    /// More than is kept.
    pub const RESOURCE_LIMIT_EXCEEDED: &str = "amqp:resource-limit-exceeded";
    /// A performative in a state that does not take it.
    pub const ILLEGAL_STATE: &str = "amqp:illegal-state";
    /// A field has a value that it cannot have.
    pub const INVALID_FIELD: &str = "amqp:invalid-field";
    /// The frame itself is broken.
    pub const FRAMING_ERROR: &str = "amqp:connection:framing-error";
    /// The connection is ended by its other side.
    pub const CONNECTION_FORCED: &str = "amqp:connection:forced";
    /// More frames than the session's window.
    pub const WINDOW_VIOLATION: &str = "amqp:session:window-violation";
    /// Input on a link that is there no more.
    pub const ERRANT_LINK: &str = "amqp:session:errant-link";
    /// The handle has a link already.
    pub const HANDLE_IN_USE: &str = "amqp:session:handle-in-use";
    /// The handle has no link.
    pub const UNATTACHED_HANDLE: &str = "amqp:session:unattached-handle";
    /// The link is ended by its other side.
    pub const DETACH_FORCED: &str = "amqp:link:detach-forced";
    /// More deliveries than credit.
    pub const TRANSFER_LIMIT_EXCEEDED: &str = "amqp:link:transfer-limit-exceeded";
    /// A message is larger than is taken.
    pub const MESSAGE_SIZE_EXCEEDED: &str = "amqp:link:message-size-exceeded";
    /// The link belongs elsewhere.
    pub const REDIRECT: &str = "amqp:link:redirect";
    /// Another took the link over.
    pub const STOLEN: &str = "amqp:link:stolen";
}
