//! A token from the authority `adfs`, which SDKs use without asking Microsoft whether it is one.
//!
//! Source: "AD FS OpenID Connect/OAuth flows and application scenarios"; requests recorded from azure-identity.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::exchange::exchange;
use crate::Entra;
use crate::grant::Dialect;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Token_GetAdfs",
    method: Method::Post,
    path: "/adfs/oauth2/token",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the form proves who asks" },
    support: Support::Served,
    summary: "Issues an access token, as a federation server does.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    exchange(entra, &request, Dialect::Adfs).await
}
