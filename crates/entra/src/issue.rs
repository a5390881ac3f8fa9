//! Making access tokens, good ones and deliberately bad ones.
//!
//! The grants and the managed-identity endpoints call it with what a client proved; the wiring (`iolite token`) and
//! `dps` call [`Entra::issue`] for a principal they already know.

use std::fmt;
use std::str::FromStr;

use iolite_identity::Flaw as SignatureFlaw;
use iolite_kernel::{Secret, SignedDuration, Timestamp};
use iolite_resources::{Principal, PrincipalKind};
use serde_json::{Value, json};
use thiserror::Error;

use crate::Entra;
use crate::audience::{Audience, TokenVersion};
use crate::claims::{Grounds, Proof};

/// The application under which users sign in with the Azure CLI and, by default, with azure-identity.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// How far outside its time an expired or early token is: well beyond every leeway.
const FAR_MINUTES: i64 = 60;

/// An access token with what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub access_token: Secret,
    /// Its audience.
    pub resource: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Token {
    /// How long it lives, in seconds.
    #[must_use]
    pub fn lifetime_seconds(&self) -> i64 {
        self.expires_at.as_second() - self.issued_at.as_second()
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssueError {
    /// The principal is a group.
    #[error("`{0}` is a group: nobody signs in as a group")]
    Group(String),
    /// The key could not sign.
    #[error("the token could not be signed")]
    Signing,
}

/// What is wrong with a token made by [`Entra::issue_flawed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It ended an hour ago.
    Expired,
    /// It begins in an hour.
    NotYetValid,
    /// It is meant for Key Vault.
    WrongAudience,
    /// It says that another tenant issued it.
    WrongIssuer,
    /// One bit of its signature is flipped.
    BadSignature,
    /// It has no signature, and `alg` is `none`.
    Unsigned,
    /// It is signed by a key that is not published.
    UnknownKey,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Self; 7] = [
        Self::Expired,
        Self::NotYetValid,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::BadSignature,
        Self::Unsigned,
        Self::UnknownKey,
    ];

    /// The flaw as the command line names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::WrongAudience => "wrong-audience",
            Self::WrongIssuer => "wrong-issuer",
            Self::BadSignature => "bad-signature",
            Self::Unsigned => "unsigned",
            Self::UnknownKey => "unknown-key",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Flaw {
    type Err = String;

    /// Reads the command line's name; the error is the text itself.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|flaw| flaw.name() == text).ok_or_else(|| text.to_owned())
    }
}

impl Entra {
    /// An access token for `principal` at `audience`, as if it had signed in; waits until there is a signing key.
    ///
    /// `audience` becomes the `aud` as it is, known or not; the id of an application of the directory yields a v2.0
    /// token, everything else a v1.0 one.
    pub async fn issue(&self, principal: &Principal, audience: &str) -> Result<Token, IssueError> {
        let audience = self.audience_as_told(audience);
        let (client_id, proof) = usual_client(principal)?;
        Ok(self.issue_to(principal, &audience, client_id, proof).await?.0)
    }

    /// The same with `flaw`; every verifier must refuse it.
    pub async fn issue_flawed(&self, principal: &Principal, audience: &str, flaw: Flaw) -> Result<Token, IssueError> {
        let audience = match flaw {
            Flaw::WrongAudience => Audience { aud: "https://vault.azure.net".to_owned(), version: TokenVersion::V1 },
            _ => self.audience_as_told(audience),
        };
        let (client_id, proof) = usual_client(principal)?;
        let far = SignedDuration::from_mins(FAR_MINUTES);
        let now = self.ground.now();
        let issued_at = match flaw {
            Flaw::Expired => now.saturating_sub(self.lifetime().saturating_add(far)),
            Flaw::NotYetValid => now.saturating_add(far),
            _ => Ok(now),
        };
        let grounds = self.grounds(principal, &audience, client_id, proof, issued_at.unwrap_or(now));
        let mut claims = grounds.access_token();
        if flaw == Flaw::WrongIssuer {
            claims["iss"] = json!(format!("https://sts.windows.net/{}/", self.ground.uuid()));
        }
        let signed = match flaw {
            Flaw::BadSignature => self.ring.sign_flawed(&claims, SignatureFlaw::BadSignature).await,
            Flaw::Unsigned => self.ring.sign_flawed(&claims, SignatureFlaw::Unsigned).await,
            Flaw::UnknownKey => self.ring.sign_flawed(&claims, SignatureFlaw::UnknownKey).await,
            Flaw::Expired | Flaw::NotYetValid | Flaw::WrongAudience | Flaw::WrongIssuer => {
                self.ring.signing().await.sign_token(&claims)
            }
        };
        let access_token = Secret::new(signed.map_err(|_| IssueError::Signing)?);
        let (issued_at, expires_at) = (grounds.issued_at, grounds.expires_at);
        Ok(Token { access_token, resource: audience.aud, issued_at, expires_at })
    }

    /// The token for what a client proved, with the grounds it stands on.
    pub(crate) async fn issue_to<'a>(
        &'a self,
        principal: &'a Principal,
        audience: &'a Audience,
        client_id: &'a str,
        proof: Proof,
    ) -> Result<(Token, Grounds<'a>), IssueError> {
        let grounds = self.grounds(principal, audience, client_id, proof, self.ground.now());
        let access_token = Secret::new(self.signed(&grounds.access_token()).await?);
        let resource = audience.aud.clone();
        Ok((Token { access_token, resource, issued_at: grounds.issued_at, expires_at: grounds.expires_at }, grounds))
    }

    /// `claims` under the issuer's signature.
    pub(crate) async fn signed(&self, claims: &Value) -> Result<String, IssueError> {
        self.ring.signing().await.sign_token(claims).map_err(|_| IssueError::Signing)
    }

    fn grounds<'a>(
        &'a self,
        principal: &'a Principal,
        audience: &'a Audience,
        client_id: &'a str,
        proof: Proof,
        issued_at: Timestamp,
    ) -> Grounds<'a> {
        let groups = match principal.kind {
            PrincipalKind::User { .. } => self.estate.groups_of(&principal.object_id).to_vec(),
            _ => Vec::new(),
        };
        let mut unique = [0; 16];
        self.ground.entropy.fill(&mut unique);
        let expires_at = issued_at.saturating_add(self.lifetime()).unwrap_or(Timestamp::MAX);
        let tenant = &self.estate.tenant;
        Grounds { tenant, principal, audience, groups, client_id, proof, issued_at, expires_at, unique }
    }

    fn audience_as_told(&self, audience: &str) -> Audience {
        let known = self.audience(audience, "").ok();
        known.unwrap_or_else(|| Audience { aud: audience.to_owned(), version: TokenVersion::V1 })
    }

    fn lifetime(&self) -> SignedDuration {
        SignedDuration::from_secs(self.estate.tenant.token_lifetime_seconds.into())
    }
}

/// The client that `principal` usually signs in through, and how.
fn usual_client(principal: &Principal) -> Result<(&str, Proof), IssueError> {
    match &principal.kind {
        PrincipalKind::ServicePrincipal { client_id, .. } => Ok((client_id, Proof::Secret)),
        PrincipalKind::ManagedIdentity { client_id, .. } => Ok((client_id, Proof::Assertion)),
        PrincipalKind::User { .. } => Ok((AZURE_CLI, Proof::None)),
        PrincipalKind::Group { .. } => Err(IssueError::Group(principal.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{APP_CLIENT_ID, TENANT_ID, World, claims_of};

    const HUB: &str = "https://iothubs.azure.net";

    async fn claims(world: &World, name: &str, audience: &str) -> Value {
        let principal = world.principal(name);
        claims_of(world.entra.issue(&principal, audience).await.unwrap().access_token.reveal())
    }

    #[tokio::test]
    async fn an_applications_token_carries_entras_claims() {
        let world = World::new();
        let claims = claims(&world, "owner-app", HUB).await;
        let issuer = format!("https://sts.windows.net/{TENANT_ID}/");
        assert_eq!((&claims["aud"], &claims["iss"], &claims["idp"]), (&json!(HUB), &json!(issuer), &json!(issuer)));
        assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(APP_CLIENT_ID), &json!("1")));
        assert_eq!(
            (&claims["idtyp"], &claims["ver"], &claims["tid"]),
            (&json!("app"), &json!("1.0"), &json!(TENANT_ID))
        );
        assert_eq!(claims["oid"], claims["sub"]);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert_eq!(claims["nbf"], claims["iat"]);
        assert!(claims.get("groups").is_none() && claims.get("upn").is_none());
    }

    #[tokio::test]
    async fn a_users_token_names_the_user_and_the_groups() {
        let world = World::new();
        let claims = claims(&world, "operator", HUB).await;
        assert_eq!(claims["idtyp"], "user");
        assert_eq!(claims["upn"], "operator@contoso.example");
        assert_eq!(claims["unique_name"], "operator@contoso.example");
        assert_eq!(claims["scp"], "user_impersonation");
        assert_eq!(claims["groups"], json!([world.principal("operators").object_id]));
        assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(AZURE_CLI), &json!("0")));
        assert_ne!(claims["sub"], claims["oid"]);
    }

    #[tokio::test]
    async fn a_managed_identitys_token_names_its_resource() {
        let world = World::new();
        let claims = claims(&world, "contoso-workload", HUB).await;
        assert!(claims["xms_mirid"].as_str().unwrap().ends_with("/userAssignedIdentities/contoso-workload"));
        assert_eq!(claims["appidacr"], "2");
    }

    #[tokio::test]
    async fn an_application_as_the_audience_gets_a_version_two_token() {
        let world = World::new();
        let claims = claims(&world, "operator", APP_CLIENT_ID).await;
        assert_eq!(claims["iss"], format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"));
        assert_eq!(
            (&claims["ver"], &claims["azp"], &claims["aud"]),
            (&json!("2.0"), &json!(AZURE_CLI), &json!(APP_CLIENT_ID))
        );
        assert!(claims.get("appid").is_none());
    }

    #[tokio::test]
    async fn who_is_in_too_many_groups_is_told_to_ask_graph() {
        let world = World::new();
        for index in 0..200 {
            world.add_group(&format!("group-{index}"), &["operator"]).await;
        }
        let claims = claims(&world, "operator", HUB).await;
        assert!(claims.get("groups").is_none());
        assert_eq!(claims["_claim_names"]["groups"], "src1");
    }

    #[tokio::test]
    async fn nobody_signs_in_as_a_group() {
        let world = World::new();
        let group = world.principal("operators");
        assert_eq!(world.entra.issue(&group, HUB).await, Err(IssueError::Group("operators".to_owned())));
    }

    #[tokio::test]
    async fn each_flaw_is_the_one_that_was_asked_for() {
        let world = World::new();
        let principal = world.principal("owner-app");
        let now = world.now();
        for flaw in Flaw::ALL {
            let token = world.entra.issue_flawed(&principal, HUB, flaw).await.unwrap();
            let text = token.access_token.reveal().to_owned();
            let claims = claims_of(&text);
            let second = |name: &str| claims[name].as_i64().unwrap();
            assert_eq!(second("exp") < now - 300, flaw == Flaw::Expired, "{flaw}");
            assert_eq!(second("nbf") > now + 300, flaw == Flaw::NotYetValid, "{flaw}");
            assert_eq!(claims["aud"] != HUB, flaw == Flaw::WrongAudience, "{flaw}");
            assert_eq!(claims["iss"] != format!("https://sts.windows.net/{TENANT_ID}/"), flaw == Flaw::WrongIssuer);
            let sound = !matches!(flaw, Flaw::BadSignature | Flaw::Unsigned | Flaw::UnknownKey);
            assert_eq!(world.verifies(&text), sound, "{flaw}");
            assert_eq!(flaw.name().parse(), Ok(flaw));
        }
    }
}
