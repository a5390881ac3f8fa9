//! Where the door gets devices' and registrants' keys from: the services that keep them implement these.

use std::sync::Arc;

use iolite_kernel::Secret;

/// What a device or module signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestationKeys {
    /// Two symmetric keys, base64.
    SymmetricKey {
        /// The primary key.
        primary: Secret,
        /// The secondary key.
        secondary: Secret,
    },
    /// A self-signed certificate, by its thumbprint.
    Thumbprint {
        /// SHA-1 or SHA-256 of the DER, hexadecimal, without case.
        primary: Option<String>,
        /// The same of the secondary certificate.
        secondary: Option<String>,
    },
    /// A certificate that chains to one of these authorities, DER, with the id as its common name.
    CertificateAuthority {
        /// The authorities that vouch for callers.
        roots: Vec<Arc<[u8]>>,
        /// Those that are registered and whose possession nobody has shown yet: they vouch for nobody, and are here for the
        /// explanation.
        unverified: Vec<Arc<[u8]>>,
    },
    /// Nothing: it cannot sign in by itself.
    None,
}

/// A device's or module's way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCredentials {
    /// Whether the device is enabled.
    pub enabled: bool,
    /// Its keys.
    pub keys: AttestationKeys,
}

/// Keeps devices' keys; implemented by `hub`.
pub trait DeviceKeys: Send + Sync {
    /// The credentials of a device of the hub named `hub` (lower case), or of one of its modules. `enabled` is the
    /// device's status in both cases. `None` where the device (`module` is `None`) or the module is unknown.
    fn credentials(&self, hub: &str, device_id: &str, module_id: Option<&str>) -> Option<DeviceCredentials>;
}

/// An enrolment that a registration id may attest by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationKeys {
    /// The enrolment's own id: the registration id, or the group's id.
    pub enrollment: String,
    /// Whether it is a group's.
    pub group: bool,
    /// Whether it is enabled.
    pub enabled: bool,
    /// What it attests by. For a group with symmetric keys these are the keys derived for this registration id already.
    pub keys: AttestationKeys,
}

/// Keeps enrolments' keys; implemented by `dps`.
pub trait AttestationSource: Send + Sync {
    /// The enrolments that may vouch for `registration_id` at the provisioning service named `service` (lower case): its
    /// individual enrolment alone where it has one, else every group.
    fn candidates(&self, service: &str, registration_id: &str) -> Vec<RegistrationKeys>;
}
