//! What a connection may take, in time.

use std::time::Duration;

/// Deadlines of a connection, in real time: they measure work, not the world's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the peer has opened the connection.
    pub until_open: Duration,
    /// Until it has shown a credential that is believed.
    pub until_trusted: Duration,
    /// For the peer to take what is written.
    pub write: Duration,
    /// For the peer to answer our close.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            until_open: Duration::from_secs(10),
            until_trusted: Duration::from_secs(20),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
        }
    }
}
