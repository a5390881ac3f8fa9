//! How long a connection waits and how much it holds. Set once by `server`; the defaults are the service's where it names any.

use std::time::Duration;

/// The bounds of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the stream's start until the device is signed in; the service waits 30 seconds for CONNECT.
    pub sign_in: Duration,
    /// The longest silence that a session survives, whatever keep-alive it asked for; the service's is 29.45 minutes.
    pub silence: Duration,
    /// How long the peer may leave what it is sent untaken.
    pub write: Duration,
    /// How long the last bytes may take when the connection ends.
    pub linger: Duration,
    /// The longest packet, in bytes after its fixed header, before the device is signed in.
    pub packet_before_sign_in: usize,
    /// The longest packet after that: 256 KiB of payload, a topic and a packet identifier.
    pub packet: usize,
    /// How many events may wait for the disk before reading pauses.
    pub unacknowledged: usize,
    /// How many twin requests may wait before reading pauses.
    pub requests: usize,
    /// How many cloud-to-device messages may be under way to the device; the service's queue holds 50.
    pub device_bound: usize,
    /// How many bytes may wait to be written before reading pauses.
    pub output: usize,
    /// How many bytes of news may wait for a client that takes nothing; one more and it is given up.
    pub backlog: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sign_in: Duration::from_secs(30),
            silence: Duration::from_secs(1767),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            packet_before_sign_in: 4 * 1024,
            packet: 256 * 1024 + 2 + 65_535 + 2,
            unacknowledged: 1024,
            requests: 64,
            device_bound: 50,
            output: 64 * 1024,
            backlog: 1024 * 1024,
        }
    }
}
