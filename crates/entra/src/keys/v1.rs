//! The key set under its v1.0 address.
//!
//! Source: RFC 7517, section 5; "Access tokens in the Microsoft identity platform", on signing keys.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::key_set;
use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Keys_GetV1",
    method: Method::Get,
    path: "/{tenant}/discovery/keys",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "whoever verifies a token needs the keys" },
    support: Support::Served,
    summary: "Tells the public keys that tokens are signed with.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    key_set(entra, &request, None).await
}
