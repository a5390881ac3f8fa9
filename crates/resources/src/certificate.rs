//! The record of an X.509 authority that a hub or provisioning service was given.

use std::sync::Arc;

use iolite_kernel::{ResourceId, Timestamp};
use iolite_store::Record;
use serde::{Deserialize, Serialize};

use crate::{Hub, ProvisioningService};

/// An authority; keyed by [`Certificate::key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The hub or provisioning service it was given to.
    pub resource: ResourceId,
    /// Its name there, as written.
    pub name: String,
    /// The certificate, DER.
    #[serde(with = "as_base64")]
    pub der: Arc<[u8]>,
    /// Whether possession of its private key was shown, or waived by whoever gave it. Only then it vouches for devices.
    pub is_verified: bool,
    /// What the common name of the verification certificate must be, once it was asked for.
    pub verification_code: Option<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Record for Certificate {
    const COLLECTION: &'static str = "certificates";
}

impl Certificate {
    /// The key of the certificate `name` of `resource`; an empty name gives the prefix of all of them.
    #[must_use]
    pub fn key(resource: &ResourceId, name: &str) -> String {
        // A hub and a provisioning service may have the same name.
        let kind = resource.as_str().rsplit('/').nth(1).unwrap_or_default();
        format!("{kind}/{}/{name}", resource.name()).to_ascii_lowercase()
    }

    /// The prefix of all certificates of the hub keyed `hub`.
    #[must_use]
    pub fn prefix_of_hub(hub: &str) -> String {
        format!("{}/{hub}/", last_segment(Hub::TYPE)).to_ascii_lowercase()
    }

    /// The prefix of all certificates of the provisioning service keyed `service`.
    #[must_use]
    pub fn prefix_of_provisioning_service(service: &str) -> String {
        format!("{}/{service}/", last_segment(ProvisioningService::TYPE)).to_ascii_lowercase()
    }
}

fn last_segment(kind: &str) -> &str {
    kind.rsplit('/').next().unwrap_or_default()
}

/// Bytes as the store's JSON keeps them.
mod as_base64 {
    use std::sync::Arc;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Into::into).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_s_certificates_are_not_those_of_a_provisioning_service_of_its_name() {
        let hub = ResourceId::resource("s", "g", Hub::TYPE, "Contoso");
        let service = ResourceId::resource("s", "g", ProvisioningService::TYPE, "Contoso");
        assert_eq!(Certificate::key(&hub, "Root"), "iothubs/contoso/root");
        assert_eq!(Certificate::key(&hub, ""), Certificate::prefix_of_hub("contoso"));
        assert_eq!(Certificate::key(&service, ""), Certificate::prefix_of_provisioning_service("contoso"));
        assert_ne!(Certificate::key(&hub, ""), Certificate::key(&service, ""));
    }

    #[test]
    fn a_certificate_comes_back_from_the_store_as_it_was() {
        let certificate = Certificate {
            resource: ResourceId::resource("s", "g", Hub::TYPE, "Contoso"),
            name: "Root".to_owned(),
            der: Arc::from(&b"\x30\x00\xff"[..]),
            is_verified: true,
            verification_code: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let text = serde_json::to_string(&certificate).unwrap();
        assert!(text.contains("\"MAD/\""), "{text}");
        assert_eq!(serde_json::from_str::<Certificate>(&text).unwrap(), certificate);
    }
}
