//! What was checked, in order, and why a caller was turned away. Values, not strings: `access` keeps them in the
//! decision log, and the wire crates choose the service's answer by them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::Caller;

/// The checks of one authentication, in the order they ran. Shared, since a cached token brings its own along.
pub type Checks = Arc<[Check]>;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was looked at.
    pub kind: CheckKind,
    /// Whether it held.
    pub passed: bool,
    /// What was found and what was wanted; never a secret. Empty where there is nothing to add.
    pub detail: Cow<'static, str>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckKind {
    /// A credential was shown.
    Presence,
    /// It is of a kind that this API takes.
    KindOfCredential,
    /// It is no larger than is read.
    Size,
    /// It can be read at all.
    Form,
    /// The token's algorithm is on our list.
    Algorithm,
    /// The token's key is one of ours.
    Key,
    /// The signature is right.
    Signature,
    /// The token's issuer is the tenant's.
    Issuer,
    /// The token was meant for this service.
    Audience,
    /// The token is of this tenant.
    Tenant,
    /// The token's time has come.
    NotBefore,
    /// The credential has not run out.
    Expiry,
    /// The principal is known and enabled.
    Principal,
    /// The SAS policy exists.
    Policy,
    /// The SAS policy has the right that the door itself asks for.
    Right,
    /// The SAS token's resource covers the request's.
    ResourceUri,
    /// The resource's switches allow this kind of credential.
    Switch,
    /// The device or module is known.
    Device,
    /// The device is enabled.
    DeviceStatus,
    /// The client certificate can be read, and the caller is one that signs in by certificate.
    Certificate,
    /// The client certificate's thumbprint is registered.
    Thumbprint,
    /// The client certificate's common name is the caller's id.
    CommonName,
    /// The client certificate chains to an authority that vouches for callers here.
    Chain,
    /// The caller's address is let in.
    Network,
    /// An enrolment fits the registration.
    Enrollment,
}

/// Why a caller was turned away. The wire crates match on it; the detail is for the explanation only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Nothing was shown.
    NoCredential,
    /// The scheme is none that any service takes.
    UnknownScheme,
    /// An Entra token at a device API or another door that never takes one.
    EntraNotAccepted,
    /// A SAS token at a door that never takes one.
    SasNotAccepted,
    /// The credential is too large to be read.
    TooLarge,
    /// The credential cannot be read.
    Malformed,
    /// The token's algorithm is not on our list.
    AlgorithmNotAllowed,
    /// The token names a key that is not ours.
    UnknownKey,
    /// The signature is wrong.
    BadSignature,
    /// The issuer is not the tenant's.
    WrongIssuer,
    /// The token is meant for something else.
    WrongAudience,
    /// The token is of another tenant.
    WrongTenant,
    /// The token's time has not come.
    NotYetValid,
    /// The token or the SAS has run out.
    Expired,
    /// The token's principal is not in the directory or is disabled.
    UnknownPrincipal,
    /// The SAS names a policy that does not exist.
    UnknownPolicy,
    /// The SAS policy may not speak for devices: it lacks `DeviceConnect`.
    PolicyLacksRight,
    /// The SAS is for another resource.
    ResourceMismatch,
    /// `disableLocalAuth` is on.
    LocalAuthDisabled,
    /// `disableDeviceSAS` is on.
    DeviceSasDisabled,
    /// `disableModuleSAS` is on.
    ModuleSasDisabled,
    /// There is no such device.
    UnknownDevice,
    /// There is no such module.
    UnknownModule,
    /// The device is disabled.
    DeviceDisabled,
    /// The certificate's thumbprint is not one that is registered, or the certificate cannot be read.
    CertificateMismatch,
    /// The certificate's common name is not the caller's id.
    CommonNameMismatch,
    /// The certificate does not chain to a verified authority.
    UntrustedCertificate,
    /// The device signs in by another means than was shown.
    WrongMeans,
    /// No enrolment fits the registration id.
    NoEnrollment,
    /// The enrolment is disabled.
    EnrollmentDisabled,
    /// The resource's rules do not let the caller's address in.
    AddressNotAllowed,
    /// The resource's public network access is off.
    PublicAccessDisabled,
}

/// A caller turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// What was found and what was wanted, for people; never a secret.
    pub detail: String,
}

/// The outcome of an authentication with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The checks, in the order they ran.
    pub checks: Checks,
    /// The caller, or why not.
    pub outcome: Result<Arc<Caller>, Rejection>,
}
