//! Shared access policies of hubs and provisioning services.

use iolite_kernel::{Rights, Secret};
use serde::{Deserialize, Serialize};

/// A named pair of keys and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedAccessPolicy {
    /// The policy's name, compared with case as the services do.
    pub key_name: String,
    /// The first key, base64.
    pub primary_key: Secret,
    /// The second key, base64.
    pub secondary_key: Secret,
    /// What holders of either key may do.
    pub rights: Rights,
}
