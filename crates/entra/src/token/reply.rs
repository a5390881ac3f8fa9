//! The reply of a token endpoint, in the words of each.
//!
//! Sources: RFC 6749, section 5.1; recorded answers: v1.0 writes its numbers as strings, v2.0 as numbers. MSAL wants
//! `client_info` and `id_token` for a user's account (oauth2cli/oidc.py and token_cache.py of MSAL 1.39).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_kernel::{Answer, Secret};
use serde_json::{Value, json};

use crate::Token;
use crate::audience::Scopes;
use crate::grant::Dialect;

/// What a reply is made of.
pub(super) struct Reply<'a> {
    pub(super) dialect: Dialect,
    pub(super) token: &'a Token,
    pub(super) scopes: &'a Scopes,
    /// What a user's reply has in addition.
    pub(super) user: Option<UserPart<'a>>,
    pub(super) tenant_id: &'a str,
}

/// What a user's reply has in addition.
pub(super) struct UserPart<'a> {
    pub(super) object_id: &'a str,
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<Secret>,
    /// Whether the client asked for `client_info`.
    pub(super) client_info: bool,
}

impl Reply<'_> {
    /// The reply as an answer that nobody may keep.
    pub(super) fn answer(&self) -> Answer {
        Answer::ok(&self.body())
            .with_header("cache-control", "no-store, no-cache")
            .with_header("pragma", "no-cache")
            .with_header("expires", "-1")
    }

    fn body(&self) -> Value {
        let lifetime = self.token.lifetime_seconds();
        let mut body = json!({"token_type": "Bearer", "access_token": self.token.access_token.reveal()});
        match self.dialect {
            Dialect::V1 => {
                body["expires_in"] = lifetime.to_string().into();
                body["ext_expires_in"] = lifetime.to_string().into();
                body["expires_on"] = self.token.expires_at.as_second().to_string().into();
                body["not_before"] = self.token.issued_at.as_second().to_string().into();
                body["resource"] = self.token.resource.as_str().into();
            }
            Dialect::V2 => {
                body["expires_in"] = lifetime.into();
                body["ext_expires_in"] = lifetime.into();
            }
            Dialect::Adfs => {
                body["expires_in"] = lifetime.into();
                body["resource"] = self.token.resource.as_str().into();
            }
        }
        if let Some(user) = &self.user {
            self.add_user(&mut body, user);
        }
        body
    }

    fn add_user(&self, body: &mut Value, user: &UserPart<'_>) {
        body["scope"] = match self.dialect {
            Dialect::V1 => "user_impersonation".to_owned(),
            Dialect::V2 | Dialect::Adfs => self.granted_scope(),
        }
        .into();
        if let Some(id_token) = &user.id_token {
            body["id_token"] = id_token.as_str().into();
        }
        if let Some(refresh_token) = &user.refresh_token {
            body["refresh_token"] = refresh_token.reveal().into();
        }
        if user.client_info {
            let info = json!({"uid": user.object_id, "utid": self.tenant_id}).to_string();
            body["client_info"] = URL_SAFE_NO_PAD.encode(info).into();
        }
    }

    /// What was asked for, and what it comes to: a client looks its own words up in it.
    fn granted_scope(&self) -> String {
        let resource = self.scopes.resource.as_deref().unwrap_or(&self.token.resource);
        let mut granted = vec![format!("{resource}/user_impersonation")];
        for permission in &self.scopes.permissions {
            let scope = format!("{resource}/{permission}");
            if !granted.contains(&scope) {
                granted.push(scope);
            }
        }
        granted.join(" ")
    }
}
