//! The discovery document of the v2.0 endpoints: what MSAL reads before it asks for a token.
//!
//! Source: "OpenID Connect on the Microsoft identity platform".

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::{Variant, document};
use crate::Entra;
use crate::errors::UNKNOWN_TENANT_DISCOVERY;
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Discovery_GetV2",
    method: Method::Get,
    path: "/{tenant}/v2.0/.well-known/openid-configuration",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it tells where to sign in" },
    support: Support::Served,
    summary: "Tells the addresses of the v2.0 endpoints.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let tenant = &entra.estate.tenant;
    let authority = Authority::of(tenant, request.param("tenant"), &UNKNOWN_TENANT_DISCOVERY)?;
    Ok(Answer::ok(&document(tenant, authority, Variant::V2, &request)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TENANT_ID, World, json_of, request};

    async fn answer(tenant: &str, origin: &str) -> Result<serde_json::Value, ServiceError> {
        let world = World::new();
        let mut request = request("/x");
        request.params.push(("tenant", tenant.into()));
        request.origin = origin.to_owned().into();
        run(&world.entra, world.permit(&OPERATION), request).await.map(|answer| json_of(&answer))
    }

    #[tokio::test]
    async fn addresses_are_at_the_origin_that_was_dialled() {
        let document = answer(TENANT_ID, "https://127.0.0.1:9443").await.unwrap();
        let root = format!("https://127.0.0.1:9443/{TENANT_ID}");
        assert_eq!(document["token_endpoint"], format!("{root}/oauth2/v2.0/token"));
        assert_eq!(document["authorization_endpoint"], format!("{root}/oauth2/v2.0/authorize"));
        assert_eq!(document["device_authorization_endpoint"], format!("{root}/oauth2/v2.0/devicecode"));
        assert_eq!(document["jwks_uri"], format!("{root}/discovery/v2.0/keys"));
        assert_eq!(document["issuer"], format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"));
    }

    #[tokio::test]
    async fn common_keeps_its_name_and_tells_the_pattern_of_issuers() {
        let document = answer("common", "https://localhost:8443").await.unwrap();
        assert_eq!(document["token_endpoint"], "https://localhost:8443/common/oauth2/v2.0/token");
        assert_eq!(document["issuer"], "https://login.microsoftonline.com/{tenantid}/v2.0");
    }

    #[tokio::test]
    async fn another_tenant_is_refused() {
        let refusal = answer("fabrikam.example", "https://localhost:8443").await.unwrap_err();
        assert_eq!((refusal.code.status, refusal.code.number, refusal.code.name), (400, 90002, "invalid_tenant"));
    }
}
