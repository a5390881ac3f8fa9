//! The OpenID Connect discovery document in its three variants.
//!
//! Sources: OpenID Connect Discovery 1.0, section 3; the fields that the SDKs read (MSAL for Python: issuer and the
//! endpoints; MSAL for JavaScript: jwks_uri too, and that the issuer is at the authority's host or at Microsoft's).

use iolite_kernel::Request;
use iolite_resources::{Cloud, Tenant};
use serde_json::{Value, json};

use crate::tenant::Authority;

/// Which variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// `/{tenant}/.well-known/openid-configuration`
    V1,
    /// `/{tenant}/v2.0/.well-known/openid-configuration`
    V2,
    /// `/adfs/.well-known/openid-configuration`
    Adfs,
}

/// The document of `authority` for who sent `request`.
pub(super) fn document(tenant: &Tenant, authority: Authority, variant: Variant, request: &Request) -> Value {
    let root = format!("{}/{}", request.origin, authority.segment(tenant));
    let (flow, keys) = match variant {
        Variant::V1 | Variant::Adfs => ("oauth2", "discovery/keys"),
        Variant::V2 => ("oauth2/v2.0", "discovery/v2.0/keys"),
    };
    let instance = match tenant.cloud {
        Cloud::Public => "microsoftonline.com",
        Cloud::China => "partner.microsoftonline.cn",
    };
    let mut document = json!({
        "issuer": issuer(tenant, authority, variant),
        "authorization_endpoint": format!("{root}/{flow}/authorize"),
        "token_endpoint": format!("{root}/{flow}/token"),
        "jwks_uri": format!("{root}/{keys}"),
        "end_session_endpoint": format!("{root}/{flow}/logout"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nbf", "tid", "oid", "ver", "name", "preferred_username", "upn"
        ],
        "request_uri_parameter_supported": false,
        "tenant_region_scope": null,
        "cloud_instance_name": instance,
    });
    if variant == Variant::V2 {
        document["device_authorization_endpoint"] = format!("{root}/oauth2/v2.0/devicecode").into();
    }
    document
}

/// The `iss` of the tokens; under an authority that stands for any directory, the pattern that Entra writes.
fn issuer(tenant: &Tenant, authority: Authority, variant: Variant) -> String {
    let one = match variant {
        Variant::V2 => tenant.issuer_v2(),
        Variant::V1 | Variant::Adfs => tenant.issuer_v1(),
    };
    match authority {
        Authority::Directory | Authority::Adfs => one,
        Authority::Common | Authority::Organizations => one.replace(&tenant.id, "{tenantid}"),
    }
}
