//! A token from the v1.0 endpoint, where the resource is named by `resource`.
//!
//! Source: "OAuth 2.0 client credentials flow" and its sister pages of the Microsoft identity platform.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::exchange::exchange;
use crate::Entra;
use crate::errors::UNKNOWN_TENANT;
use crate::grant::Dialect;
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Token_GetV1",
    method: Method::Post,
    path: "/{tenant}/oauth2/token",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the form proves who asks" },
    support: Support::Served,
    summary: "Issues an access token for a resource.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Authority::of(&entra.estate.tenant, request.param("tenant"), &UNKNOWN_TENANT)?;
    exchange(entra, &request, Dialect::V1).await
}
