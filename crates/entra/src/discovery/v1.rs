//! The discovery document of the v1.0 endpoints.
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
    name: "Discovery_GetV1",
    method: Method::Get,
    path: "/{tenant}/.well-known/openid-configuration",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it tells where to sign in" },
    support: Support::Served,
    summary: "Tells the addresses of the v1.0 endpoints.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let tenant = &entra.estate.tenant;
    let authority = Authority::of(tenant, request.param("tenant"), &UNKNOWN_TENANT_DISCOVERY)?;
    Ok(Answer::ok(&document(tenant, authority, Variant::V1, &request)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TENANT_ID, World, json_of, request};

    #[tokio::test]
    async fn the_version_one_document_names_the_issuer_of_version_one_tokens() {
        let world = World::new();
        let mut request = request("/x");
        request.params.push(("tenant", "contoso.example".into()));
        let document = json_of(&run(&world.entra, world.permit(&OPERATION), request).await.unwrap());
        assert_eq!(document["issuer"], format!("https://sts.windows.net/{TENANT_ID}/"));
        assert_eq!(document["token_endpoint"], format!("https://localhost:8443/{TENANT_ID}/oauth2/token"));
        assert!(document.get("device_authorization_endpoint").is_none());
    }
}
