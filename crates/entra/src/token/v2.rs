//! A token from the v2.0 endpoint, where the resource is named by `scope`.
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
    name: "Token_GetV2",
    method: Method::Post,
    path: "/{tenant}/oauth2/v2.0/token",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the form proves who asks" },
    support: Support::Served,
    summary: "Issues an access token for the resource of a scope.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Authority::of(&entra.estate.tenant, request.param("tenant"), &UNKNOWN_TENANT)?;
    exchange(entra, &request, Dialect::V2).await
}
