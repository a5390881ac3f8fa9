//! A token from the instance metadata service, as on a virtual machine.
//!
//! Source: "How to use managed identities on an Azure VM to acquire an access token"; requests recorded from azure-identity
//! (JavaScript's end in a slash, which the wire drops).

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::selection::{given, refuse, token};
use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::ManagedIdentity,
    name: "Identity_GetToken",
    method: Method::Get,
    path: "/metadata/identity/oauth2/token",
    // Checked here: the service's answer to a missing one is its own.
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "whoever is on the machine may use its identities" },
    support: Support::Served,
    summary: "Issues an access token for a managed identity.",
};

/// The oldest api-version that has the endpoint.
const FIRST_VERSION: &str = "2018-02-01";

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let reply = match check(&request) {
        Ok(()) => token(entra, &request).await,
        Err(refusal) => Err(refusal),
    };
    reply.map(|reply| Answer::ok(&reply).with_header("cache-control", "no-store")).map_err(shaped)
}

/// The header keeps out what a browser or a careless proxy is made to send; a forwarded request is not from the machine.
fn check(request: &Request) -> Result<(), ServiceError> {
    if !request.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(refuse("Required metadata header not specified: send 'Metadata: true'."));
    }
    if request.header("x-forwarded-for").is_some() {
        return Err(refuse("A request that was forwarded (X-Forwarded-For) is not from this machine."));
    }
    match given(request, "api-version") {
        Some(version) if is_date(version) && version >= FIRST_VERSION => Ok(()),
        _ => Err(refuse("The api-version is missing or not one of the endpoint; the first is 2018-02-01.")),
    }
}

fn is_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

/// The metadata service's own shape; an AADSTS number stands in the description where there is one.
fn shaped(error: ServiceError) -> ServiceError {
    let description = match error.code.number {
        0 => error.message.clone(),
        number => format!("AADSTS{number}: {}", error.message),
    };
    let body = json!({"error": error.code.name, "error_description": description}).to_string();
    error.with_body(body)
}

#[cfg(test)]
mod tests;
