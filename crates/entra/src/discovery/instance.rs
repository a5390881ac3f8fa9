//! Instance discovery: whether an authority is one that this issuer vouches for. SDKs ask it of Microsoft unless they are
//! told not to; here it answers those that are pointed at it (by option, or by a hosts file).
//!
//! Source: requests and answers recorded from MSAL; `msal/authority.py` of MSAL 1.39 for what is read.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::Entra;
use crate::errors::{MISSING_FIELD, UNKNOWN_AUTHORITY};
use crate::tenant::Authority;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Discovery_GetInstance",
    method: Method::Get,
    path: "/common/discovery/instance",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "it tells where to sign in" },
    support: Support::Served,
    summary: "Tells whether an authority is one of this issuer, and where its discovery document is.",
};

/// The hosts under which Entra itself goes in the public cloud.
const MICROSOFT_HOSTS: [&str; 4] =
    ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let asked = request.query("authorization_endpoint").filter(|asked| !asked.is_empty());
    let asked = asked
        .ok_or_else(|| ServiceError::new(&MISSING_FIELD, "The query lacks the parameter 'authorization_endpoint'."))?;
    let own_host = request.origin.split_once("://").map_or(&*request.origin, |(_, host)| host);
    let found = authority(asked).and_then(|(host, segment)| Some((known(host, own_host)?, segment)));
    let (host, segment) = found.ok_or_else(|| {
        ServiceError::new(&UNKNOWN_AUTHORITY, "The authorization_endpoint is not one of this issuer.")
    })?;
    let tenant = &entra.estate.tenant;
    let segment = Authority::of(tenant, segment, &UNKNOWN_AUTHORITY)?.segment(tenant);
    Ok(Answer::ok(&json!({
        "tenant_discovery_endpoint": format!("https://{host}/{segment}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": own_host, "preferred_cache": own_host, "aliases": [own_host]},
            {
                "preferred_network": MICROSOFT_HOSTS[0],
                "preferred_cache": MICROSOFT_HOSTS[1],
                "aliases": MICROSOFT_HOSTS,
            },
        ],
    })))
}

/// The host, with its port, and the first segment of an https address.
fn authority(endpoint: &str) -> Option<(&str, &str)> {
    let (host, path) = endpoint.strip_prefix("https://")?.split_once('/')?;
    path.split(['/', '?']).next().filter(|segment| !segment.is_empty()).map(|segment| (host, segment))
}

/// The host to go on with: ours as it was dialled, with its port, which MSAL for Python leaves out when it asks; or one of
/// Entra's.
fn known<'a>(host: &'a str, own_host: &'a str) -> Option<&'a str> {
    let name = |host: &str| host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    if name(host) == name(own_host) {
        return Some(own_host);
    }
    MICROSOFT_HOSTS.contains(&host.to_ascii_lowercase().as_str()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TENANT_ID, World, json_of, request};

    async fn ask(endpoint: Option<&str>) -> Result<serde_json::Value, ServiceError> {
        let world = World::new();
        let mut request = request("/common/discovery/instance");
        request.query.extend(endpoint.map(|endpoint| ("authorization_endpoint".into(), endpoint.into())));
        run(&world.entra, world.permit(&OPERATION), request).await.map(|answer| json_of(&answer))
    }

    #[tokio::test]
    async fn an_authority_of_this_issuer_is_vouched_for() {
        let found = ask(Some(&format!("https://localhost:8443/{TENANT_ID}/oauth2/v2.0/authorize"))).await.unwrap();
        let endpoint = format!("https://localhost:8443/{TENANT_ID}/v2.0/.well-known/openid-configuration");
        assert_eq!(found["tenant_discovery_endpoint"], endpoint);
        assert_eq!(found["metadata"][0]["aliases"][0], "localhost:8443");
        let portless = ask(Some(&format!("https://localhost/{TENANT_ID}/oauth2/v2.0/authorize"))).await.unwrap();
        assert_eq!(portless["tenant_discovery_endpoint"], endpoint);
        let microsoft = ask(Some("https://login.microsoftonline.com/common/oauth2/v2.0/authorize")).await.unwrap();
        let endpoint = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
        assert_eq!(microsoft["tenant_discovery_endpoint"], endpoint);
    }

    #[tokio::test]
    async fn a_foreign_authority_is_not() {
        for foreign in [
            "https://evil.example/common/oauth2/v2.0/authorize",
            "http://localhost:8443/common/oauth2/v2.0/authorize",
            "https://localhost:8443/fabrikam.example/oauth2/v2.0/authorize",
            "https://localhost:8443",
            "https://user@evil.example/common",
            "nonsense",
        ] {
            assert_eq!(ask(Some(foreign)).await.unwrap_err().code.name, "invalid_instance", "{foreign}");
        }
        assert_eq!(ask(None).await.unwrap_err().code.number, 90014);
    }
}
