//! How a device proves itself: the attestation of an enrolment as it is kept, taken in and shown.
//!
//! Taken in by the enrolment operations, shown by them and by `attestationmechanism`, and handed to the door by
//! [`crate::source`]. It verifies nothing itself.

mod certificate;
mod request;
mod view;

use iolite_kernel::Secret;
use serde::{Deserialize, Serialize};

pub(crate) use certificate::{Certificate, CertificateInfo};
pub(crate) use request::{AttestationRequest, Holder};
pub(crate) use view::{AttestationView, Keys};

/// The attestation of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Attestation {
    /// A trusted platform module.
    Tpm(TpmKeys),
    /// Two symmetric keys; of a group, those that the devices' own are derived from.
    SymmetricKey(SymmetricKeys),
    /// A certificate that the device itself has.
    ClientCertificates(CertificatePair),
    /// Certificates of authorities that signed the devices' own.
    SigningCertificates(CertificatePair),
    /// Names of authorities that the provisioning service knows.
    CertificateAuthorities(CertificateReferences),
}

/// The public halves of a module's keys, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TpmKeys {
    pub(crate) endorsement_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_root_key: Option<String>,
}

/// Two keys of 16 to 64 bytes, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SymmetricKeys {
    pub(crate) primary_key: Secret,
    pub(crate) secondary_key: Secret,
}

/// Two certificates; where one was given, both are that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificatePair {
    pub(crate) primary: Certificate,
    pub(crate) secondary: Certificate,
}

/// Names of one or two authorities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateReferences {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) primary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secondary: Option<String>,
}
