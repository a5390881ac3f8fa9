//! Shared access signatures: `SharedAccessSignature sr={resource}&sig={signature}&se={expiry}[&skn={policy}]`.
//!
//! The door reads and verifies them here; `iolite sas` and DPS's calls to a linked hub sign them here. It knows no
//! policy and no device: whose key to try is the door's business.
//!
//! Source of the form and of the signature: Microsoft's page "Control access to IoT Hub with shared access signatures"
//! (2025), and the tokens that the SDKs write.

mod field;
mod key;
mod resource;
mod sign;
mod token;

pub(crate) use key::MacKey;
pub use key::mac_matches;
pub(crate) use resource::{LOCAL_HOSTS, dialled_host};
pub use resource::{ResourceUri, SasAudience};
pub use sign::{derive_group_key, sign};
pub use token::{SasError, SasToken};
