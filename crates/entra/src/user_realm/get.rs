//! How a user signs in: here always at this issuer itself, with a password. MSAL asks before the password grant.
//!
//! Source: `user_realm_discovery` in `msal/authority.py` of MSAL 1.39.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Cloud;
use serde_json::json;

use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "UserRealm_Get",
    method: Method::Get,
    path: "/common/userrealm/{user}",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it is asked before anyone signed in, and tells nothing of a user but the domain" },
    support: Support::Served,
    summary: "Tells whether a user's domain is managed here.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let tenant = &entra.estate.tenant;
    let user = request.param("user");
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain);
    let (instance, urn) = match tenant.cloud {
        Cloud::Public => ("microsoftonline.com", "urn:federation:MicrosoftOnline"),
        Cloud::China => ("partner.microsoftonline.cn", "urn:federation:partner.microsoftonline.cn"),
    };
    let known = domain.eq_ignore_ascii_case(&tenant.domain) || entra.user_named(user).is_some();
    Ok(Answer::ok(&json!({
        "ver": "1.0",
        "account_type": if known { "Managed" } else { "Unknown" },
        "domain_name": domain,
        "cloud_instance_name": instance,
        "cloud_audience_urn": urn,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json_of, request};

    #[tokio::test]
    async fn the_directorys_own_domain_is_managed_and_no_other() {
        let world = World::new();
        for (user, kind) in [
            ("operator@contoso.example", "Managed"),
            ("nobody@CONTOSO.example", "Managed"),
            ("x@fabrikam.example", "Unknown"),
        ] {
            let mut request = request("/x");
            request.params.push(("user", user.into()));
            let realm = json_of(&run(&world.entra, world.permit(&OPERATION), request).await.unwrap());
            assert_eq!(realm["account_type"], kind, "{user}");
        }
    }
}
