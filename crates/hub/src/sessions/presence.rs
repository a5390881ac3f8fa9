//! What is remembered of who is connected, and what answers tell of it.
//!
//! Written when a connection begins and ends; read by every answer that shows an identity.

use iolite_kernel::Timestamp;
use iolite_store::Record;
use serde::{Deserialize, Serialize};

/// What is remembered of an identity's connections; keyed as its identity is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PresenceRecord {
    /// The number of the last connection. It grows over restarts and processes, so that a later one is known from an
    /// earlier one wherever the two are.
    pub(crate) epoch: u64,
    /// Whether that connection stands, as far as its process came to say. Nobody believes it of a process that is gone.
    pub(crate) connected: bool,
    /// When that last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changed_at: Option<Timestamp>,
    /// When the identity last connected, sent or received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) active_at: Option<Timestamp>,
    /// What its last MQTT connection left behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Kept>,
}

/// What lasts of an MQTT session that outlives its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// What is subscribed to, as the wire writes it.
    #[serde(default)]
    pub(crate) subscriptions: u8,
}

impl Record for PresenceRecord {
    const COLLECTION: &'static str = "hub.presence";
}

/// What answers tell of an identity's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Presence {
    pub(crate) connected: bool,
    pub(crate) changed_at: Option<Timestamp>,
    pub(crate) active_at: Option<Timestamp>,
    /// How many cloud-to-device messages wait.
    pub(crate) waiting: u32,
}

impl Presence {
    /// `connectionState`.
    pub(crate) const fn state(self) -> &'static str {
        if self.connected { "Connected" } else { "Disconnected" }
    }
}
