//! The discovery document of the authority `adfs`, which MSAL trusts without instance discovery.
//!
//! Source: "OpenID Connect on the Microsoft identity platform".

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::{Variant, document};
use crate::Entra;
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Discovery_GetAdfs",
    method: Method::Get,
    path: "/adfs/.well-known/openid-configuration",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it tells where to sign in" },
    support: Support::Served,
    summary: "Tells the addresses of the endpoints under the authority adfs.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Ok(Answer::ok(&document(&entra.estate.tenant, Authority::Adfs, Variant::Adfs, &request)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json_of, request};

    #[tokio::test]
    async fn the_federation_document_points_at_the_federation_endpoint() {
        let world = World::new();
        let document = json_of(&run(&world.entra, world.permit(&OPERATION), request("/x")).await.unwrap());
        assert_eq!(document["token_endpoint"], "https://localhost:8443/adfs/oauth2/token");
        assert_eq!(document["jwks_uri"], "https://localhost:8443/adfs/discovery/keys");
    }
}
