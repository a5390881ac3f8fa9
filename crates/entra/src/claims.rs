//! What stands in a token. Called by [`crate::issue`] and the user grants; signs nothing.
//!
//! Source: "Access token claims reference" and "ID token claims reference" of the Microsoft identity platform.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_kernel::Timestamp;
use iolite_resources::{Principal, PrincipalKind, Tenant};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::audience::{Audience, TokenVersion};

/// How many groups a token names; who is in more is told to ask Graph (the documented limit for JSON Web Tokens).
const MOST_GROUPS: usize = 200;

/// How a client proved itself to the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Not at all: a public client.
    None,
    /// With a secret.
    Secret,
    /// With a signature, of its own or of an issuer it trusts.
    Assertion,
}

impl Proof {
    /// The value of `appidacr` and `azpacr`.
    const fn acr(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// All that goes into an access token.
pub(crate) struct Grounds<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) principal: &'a Principal,
    pub(crate) audience: &'a Audience,
    /// The groups that the principal is in.
    pub(crate) groups: Vec<String>,
    /// The application that asked.
    pub(crate) client_id: &'a str,
    pub(crate) proof: Proof,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// What tells this token from every other.
    pub(crate) unique: [u8; 16],
}

impl Grounds<'_> {
    /// The claims of the access token.
    pub(crate) fn access_token(&self) -> Value {
        let mut claims = self.envelope();
        let own = match &self.principal.kind {
            PrincipalKind::User { user_name, .. } => self.users(user_name),
            PrincipalKind::ManagedIdentity { owner, .. } => {
                json!({"idtyp": "app", "sub": self.principal.object_id, "xms_mirid": owner.resource().as_str()})
            }
            PrincipalKind::ServicePrincipal { .. } | PrincipalKind::Group { .. } => {
                json!({"idtyp": "app", "sub": self.principal.object_id})
            }
        };
        extend(&mut claims, own);
        claims
    }

    fn envelope(&self) -> Value {
        let (issued, expires) = (self.issued_at.as_second(), self.expires_at.as_second());
        let mut claims = json!({
            "aud": self.audience.aud, "iat": issued, "nbf": issued, "exp": expires,
            "oid": self.principal.object_id, "tid": self.tenant.id, "uti": URL_SAFE_NO_PAD.encode(self.unique),
        });
        let acr = self.proof.acr();
        let form = match self.audience.version {
            TokenVersion::V1 => {
                let own = self.tenant.issuer_v1();
                json!({"iss": own, "idp": own, "appid": self.client_id, "appidacr": acr, "ver": "1.0"})
            }
            TokenVersion::V2 => {
                json!({"iss": self.tenant.issuer_v2(), "azp": self.client_id, "azpacr": acr, "ver": "2.0"})
            }
        };
        extend(&mut claims, form);
        claims
    }

    fn users(&self, user_name: &str) -> Value {
        let sub = pairwise(&self.tenant.id, &self.audience.aud, &self.principal.object_id);
        let mut claims = json!({"idtyp": "user", "sub": sub, "name": self.principal.name, "scp": "user_impersonation"});
        let names = match self.audience.version {
            TokenVersion::V1 => json!({"acr": "1", "amr": ["pwd"], "unique_name": user_name, "upn": user_name}),
            TokenVersion::V2 => json!({"preferred_username": user_name}),
        };
        extend(&mut claims, names);
        extend(&mut claims, self.groups_claim());
        claims
    }

    fn groups_claim(&self) -> Value {
        match self.groups.len() {
            0 => json!({}),
            1..=MOST_GROUPS => json!({"groups": self.groups}),
            _ => {
                let endpoint =
                    format!("https://graph.microsoft.com/v1.0/users/{}/getMemberObjects", self.principal.object_id);
                json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}})
            }
        }
    }

    /// The claims of the id token that goes with it, made out to the client.
    pub(crate) fn id_token(&self, user_name: &str) -> Value {
        let (issued, expires) = (self.issued_at.as_second(), self.expires_at.as_second());
        json!({
            "aud": self.client_id, "iss": self.tenant.issuer_v2(), "iat": issued, "nbf": issued, "exp": expires,
            "name": self.principal.name, "oid": self.principal.object_id, "preferred_username": user_name,
            "sub": pairwise(&self.tenant.id, self.client_id, &self.principal.object_id), "tid": self.tenant.id,
            "upn": user_name, "uti": URL_SAFE_NO_PAD.encode(self.unique), "ver": "2.0",
        })
    }
}

/// A user's `sub`: the same for one application, another one for the next.
fn pairwise(tenant: &str, application: &str, object_id: &str) -> String {
    let mut digest = Sha256::new();
    for part in [tenant, application, object_id] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

fn extend(claims: &mut Value, more: Value) {
    if let (Value::Object(claims), Value::Object(more)) = (claims, more) {
        claims.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_subject_differs_from_application_to_application() {
        assert_eq!(pairwise("t", "a", "o"), pairwise("t", "a", "o"));
        assert_ne!(pairwise("t", "a", "o"), pairwise("t", "b", "o"));
        assert_ne!(pairwise("t", "ab", "o"), pairwise("t", "a", "bo"));
    }
}
