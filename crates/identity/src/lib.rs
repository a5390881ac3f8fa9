//! Who is calling.
//!
//! A wire crate hands over what it was shown ([`Presented`]); [`Identity::authenticate`] answers with a [`Caller`] or a
//! [`Rejection`], and always with the [`Check`]s it made, in order. It grants nothing: that is `access`.

mod attestation;
mod authority;
mod caller;
mod certificate;
mod credential;
mod evidence;
mod footing;
mod identity;
mod keys;
mod known;
mod network;
pub mod sas;
mod sas_use;
pub mod token;
mod trail;
#[cfg(test)]
mod world;

pub use attestation::{AttestationKeys, AttestationSource, DeviceCredentials, DeviceKeys, RegistrationKeys};
pub use authority::{AuthorityError, AuthorityFacts, describe_authority, prove_possession, read_certificate};
pub use caller::{Caller, DeviceCaller, KeyMeans, PolicyCaller, PrincipalCaller, RegistrantCaller};
pub use credential::{ClientCertificate, Credential, MAXIMUM_CREDENTIAL_BYTES, Presented};
pub use evidence::{Authentication, Check, CheckKind, Checks, Reason, Rejection};
pub use footing::Footing;
pub use identity::{EventsVisit, Identity, REGISTRATION_PARAMETER, Visit};
pub use keys::{Flaw, KeyError, KeyRing, PublicKey, SigningKey};
pub use network::{Entrance, admits};
pub use sas_use::SasUse;
