//! What a peer's mistake ends: the link, the session or the connection it was made on.

use crate::codec::AmqpError;

use super::event::LinkId;

/// A mistake, and what it ends.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection.
    Connection(AmqpError),
    /// A session.
    Session(u16, AmqpError),
    /// A link.
    Link(LinkId, AmqpError),
}

impl Fault {
    pub(super) fn connection(condition: &str, description: &str) -> Self {
        Self::Connection(AmqpError::new(condition, description))
    }

    pub(super) fn session(channel: u16, condition: &str, description: &str) -> Self {
        Self::Session(channel, AmqpError::new(condition, description))
    }

    pub(super) fn link(link: LinkId, condition: &str, description: &str) -> Self {
        Self::Link(link, AmqpError::new(condition, description))
    }
}

pub(super) type Handled = Result<(), Fault>;
