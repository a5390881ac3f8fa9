//! Tokens that are wrong in their header or signature, for `iolite token --flaw`. The other flaws are only claims.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::signing_key::unsigned;
use super::{KeyError, KeyRing, SigningKey};

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// One bit of the signature is flipped.
    BadSignature,
    /// `alg` is `none` and there is no signature.
    Unsigned,
    /// It is signed, rightly, by a key that nobody publishes.
    UnknownKey,
}

impl Flaw {
    /// The flaw as the command line names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
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

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::BadSignature, Self::Unsigned, Self::UnknownKey]
            .into_iter()
            .find(|flaw| flaw.name() == text)
            .ok_or_else(|| text.to_owned())
    }
}

impl KeyRing {
    /// A token with `claims` that every verifier must refuse. A stranger's key is made on a thread of its own.
    pub async fn sign_flawed(&self, claims: &Value, flaw: Flaw) -> Result<String, KeyError> {
        match flaw {
            Flaw::BadSignature => {
                let key = self.signing().await;
                let token = key.sign_token(claims)?;
                let (signed, _) = token.rsplit_once('.').unwrap_or_default();
                let mut signature = key.sign(signed.as_bytes())?;
                if let Some(byte) = signature.last_mut() {
                    *byte ^= 1;
                }
                Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
            }
            Flaw::Unsigned => Ok(format!("{}.", unsigned(&json!({"typ": "JWT", "alg": "none"}), claims))),
            Flaw::UnknownKey => SigningKey::generate_aside().await?.sign_token(claims),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flaw_is_known_by_its_name() {
        for flaw in [Flaw::BadSignature, Flaw::Unsigned, Flaw::UnknownKey] {
            assert_eq!(flaw.name().parse(), Ok(flaw));
        }
        assert_eq!("expired".parse::<Flaw>(), Err("expired".to_owned()));
    }
}
