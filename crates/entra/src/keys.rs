//! The keys that tokens are verified with, for whoever verifies them by the discovery document.

pub mod v1;
pub mod v2;

use iolite_kernel::{Answer, Request, ServiceError};
use serde_json::{Value, json};

use crate::Entra;
use crate::errors::UNKNOWN_TENANT_DISCOVERY;
use crate::tenant::Authority;

/// The key set; `issuer` is added to each key where it is given, as v2.0 does.
async fn key_set(entra: &Entra, request: &Request, issuer: Option<String>) -> Result<Answer, ServiceError> {
    Authority::of(&entra.estate.tenant, request.param("tenant"), &UNKNOWN_TENANT_DISCOVERY)?;
    // Right after the start there is no key yet: an empty set would be believed and kept.
    entra.ring.signing().await;
    let keys: Vec<Value> = entra
        .ring
        .public_keys()
        .iter()
        .map(|key| {
            let mut jwk = key.to_jwk();
            if let Some(issuer) = &issuer {
                jwk["issuer"] = issuer.as_str().into();
            }
            jwk
        })
        .collect();
    Ok(Answer::ok(&json!({"keys": keys})))
}
