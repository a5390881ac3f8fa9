//! A token from the endpoint of App Service, Functions and Container Apps.
//!
//! Source: "How to use managed identities for App Service and Azure Functions", REST endpoint reference; MSAL reads
//! `statusCode` and `message` of a refusal.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::selection::{given, refuse, token};
use crate::Entra;
use crate::errors::MANAGED_IDENTITY_HEADER;
use crate::secrecy;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::ManagedIdentity,
    name: "AppService_GetToken",
    method: Method::Get,
    path: "/msi/token",
    // Checked here: the service's answer to a missing one is its own.
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the X-IDENTITY-HEADER proves that the caller is the app" },
    support: Support::Served,
    summary: "Issues an access token for a managed identity of an app.",
};

const VERSION: &str = "2019-08-01";

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let correlation_id = request.id.to_string();
    let reply = match check(entra, &request) {
        Ok(()) => token(entra, &request).await,
        Err(refusal) => Err(refusal),
    };
    reply.map(|reply| Answer::ok(&reply).with_header("cache-control", "no-store")).map_err(|error| {
        let message = match error.code.number {
            0 => error.message.clone(),
            number => format!("AADSTS{number}: {}", error.message),
        };
        let body = json!({"statusCode": error.code.status, "message": message, "correlationId": correlation_id});
        error.with_body(body.to_string())
    })
}

fn check(entra: &Entra, request: &Request) -> Result<(), ServiceError> {
    let secret = &entra.settings.identity_header;
    let shown = request.header("x-identity-header").unwrap_or_default();
    if secret.reveal().is_empty() || !secrecy::same(secret, shown) {
        let text = "The X-IDENTITY-HEADER is missing or is not the value of IDENTITY_HEADER.";
        return Err(ServiceError::new(&MANAGED_IDENTITY_HEADER, text));
    }
    match given(request, "api-version") {
        Some(VERSION) => Ok(()),
        _ => Err(refuse("The api-version must be 2019-08-01.")),
    }
}

#[cfg(test)]
mod tests;
