//! The one Entra tenant of a world and how it issues tokens.

use serde::{Deserialize, Serialize};

use crate::Cloud;

/// The tenant and the cloud it lives in; fixed for the life of the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The directory's id.
    pub id: String,
    /// The directory's domain (`contoso.example`), for user names.
    pub domain: String,
    /// The cloud whose names are emulated.
    pub cloud: Cloud,
    /// How long access tokens live, in seconds.
    pub token_lifetime_seconds: u32,
    /// How long a new role assignment stays without effect, in seconds on the world's clock; 0 for at once.
    pub propagation_delay_seconds: u32,
}

impl Tenant {
    /// The `iss` of v2.0 tokens.
    #[must_use]
    pub fn issuer_v2(&self) -> String {
        format!("https://login.microsoftonline.com/{}/v2.0", self.id)
    }

    /// The `iss` of v1.0 tokens, the form that Azure's own APIs receive.
    #[must_use]
    pub fn issuer_v1(&self) -> String {
        format!("https://sts.windows.net/{}/", self.id)
    }
}
