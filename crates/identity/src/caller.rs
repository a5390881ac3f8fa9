//! Who a caller turned out to be.

use iolite_kernel::{ResourceId, Rights, Timestamp};
use serde::Serialize;

use crate::Footing;

/// An authenticated caller, or nobody where an operation is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// A holder of an Entra token.
    Principal(PrincipalCaller),
    /// A holder of a shared access policy's key.
    Policy(PolicyCaller),
    /// A device or module.
    Device(DeviceCaller),
    /// A device that registers itself at a provisioning service.
    Registrant(RegistrantCaller),
}

/// A holder of an Entra token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalCaller {
    /// The object id that role assignments name.
    pub object_id: String,
    /// The name a person knows it by: user name, or the principal's name in the world.
    pub name: String,
    /// `servicePrincipal`, `user`, `managedIdentity`.
    pub principal_kind: &'static str,
    /// The application that asked for the token.
    pub client_id: Option<String>,
    /// The object ids of the groups it is in.
    pub groups: Vec<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// A holder of a shared access policy's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyCaller {
    /// The hub or provisioning service whose policy it is.
    pub resource: ResourceId,
    /// The policy's name.
    pub policy: String,
    /// What the policy allows.
    pub rights: Rights,
    /// Which of the two keys signed.
    pub means: KeyMeans,
    /// That very key.
    #[serde(skip)]
    pub footing: Footing,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// A device or module that proved who it is, or a policy with `DeviceConnect` that speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCaller {
    /// Its hub.
    pub hub: ResourceId,
    /// The device's id, with case.
    pub device_id: String,
    /// The module's id, where it is a module.
    pub module_id: Option<String>,
    /// How it proved itself.
    pub means: KeyMeans,
    /// The very key, thumbprint or authority that it proved itself by.
    #[serde(skip)]
    pub footing: Footing,
    /// The policy that spoke for it, where it was not its own key.
    pub policy: Option<String>,
    /// When its proof ends; a certificate's does not.
    pub expires_at: Option<Timestamp>,
}

/// A device that registers itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrantCaller {
    /// The provisioning service.
    pub service: ResourceId,
    /// The registration id it asks for.
    pub registration_id: String,
    /// The enrolment whose attestation it passed: an individual one has the registration's own id, a group its group's.
    pub enrollment: String,
    /// Whether that enrolment is a group's.
    pub group: bool,
    /// How it proved itself.
    pub means: KeyMeans,
}

/// What proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyMeans {
    /// The primary key.
    PrimaryKey,
    /// The secondary key.
    SecondaryKey,
    /// A client certificate.
    Certificate,
}

impl Caller {
    /// The name to show for the caller.
    #[must_use]
    pub fn display_name(&self) -> &str {
        match self {
            Self::Anonymous => "nobody",
            Self::Principal(principal) => &principal.name,
            Self::Policy(policy) => &policy.policy,
            Self::Device(device) => device.module_id.as_deref().unwrap_or(&device.device_id),
            Self::Registrant(registrant) => &registrant.registration_id,
        }
    }
}
