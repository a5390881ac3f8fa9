//! The public half of a signing key: what JWKS publishes and signatures are verified with.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{KeyError, roca};

/// The least modulus that RFC 7518, section 3.3, allows for RS256, in bytes.
const LEAST_MODULUS_BYTES: usize = 2048 / 8;

/// A public key for RS256, parsed once.
#[derive(Clone)]
pub struct PublicKey {
    /// Its id: the SHA-1 of its `SubjectPublicKeyInfo`, base64url. Entra's ids are SHA-1 thumbprints too, of certificates.
    pub kid: String,
    /// The modulus, big-endian, base64url.
    pub n: String,
    /// The exponent, big-endian, base64url.
    pub e: String,
    verifying: ParsedPublicKey,
}

impl PublicKey {
    /// The key of this modulus and exponent, big-endian without leading zeros. Refused: less than 2048 bits, an even or
    /// trivial exponent, a modulus of a form known to be weak.
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if n.len() < LEAST_MODULUS_BYTES || n.first().is_none_or(|byte| *byte < 0x80) && n.len() == LEAST_MODULUS_BYTES
        {
            return Err(KeyError::PublicForm("the modulus has less than 2048 bits"));
        }
        if roca::has_fingerprint(n) {
            return Err(KeyError::PublicForm("the modulus was made by a library whose keys can be factored"));
        }
        match e {
            [] | [0 | 1] | [0, ..] => return Err(KeyError::PublicForm("the exponent is trivial")),
            [.., last] if last % 2 == 0 => return Err(KeyError::PublicForm("the exponent is even")),
            _ => {}
        }
        let verifying = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| KeyError::PublicForm("the modulus and exponent make no RSA key"))?;
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, verifying.as_ref());
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
            n: URL_SAFE_NO_PAD.encode(n),
            e: URL_SAFE_NO_PAD.encode(e),
            verifying,
        })
    }

    /// The key of a JSON Web Key (RFC 7517), under the `kid` it gives. Refused: a key that says it is for anything but
    /// verifying RS256.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("kty") != Some("RSA") {
            return Err(KeyError::PublicForm("kty is not RSA"));
        }
        if jwk.get("use").is_some_and(|usage| usage != "sig") {
            return Err(KeyError::PublicForm("use is not sig"));
        }
        if jwk.get("alg").is_some_and(|algorithm| algorithm != "RS256") {
            return Err(KeyError::PublicForm("alg is not RS256"));
        }
        let verifies =
            |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
        if jwk.get("key_ops").is_some_and(|operations| !verifies(operations)) {
            return Err(KeyError::PublicForm("key_ops does not have verify"));
        }
        let part = |name: &str| text(name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        let (Some(n), Some(e)) = (part("n"), part("e")) else {
            return Err(KeyError::PublicForm("n or e is missing or is not base64url"));
        };
        let mut key = Self::from_components(&n, &e)?;
        if let Some(kid) = text("kid") {
            kid.clone_into(&mut key.kid);
        }
        Ok(key)
    }

    /// The key as an entry of a JWKS.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "x5t": self.kid, "n": self.n, "e": self.e})
    }

    /// The `SubjectPublicKeyInfo`.
    #[cfg(test)]
    pub(crate) fn der(&self) -> Vec<u8> {
        self.verifying.as_ref().to_vec()
    }

    /// Whether `signature` is this key's RS256 signature over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PublicKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_published_key_reads_back_as_itself() {
        let key = fixture::first().public().as_ref().clone();
        let back = PublicKey::from_jwk(&key.to_jwk()).unwrap();
        assert_eq!((&back.kid, &back.n, &back.e), (&key.kid, &key.n, &key.e));
        assert_eq!(key.kid.len(), 27, "twenty bytes in base64url");
        assert_eq!(key.e, "AQAB");
    }

    #[test]
    fn a_key_that_is_not_for_verifying_rs256_is_refused() {
        let good = fixture::first().public().to_jwk();
        for (name, value) in [
            ("kty", json!("EC")),
            ("use", json!("enc")),
            ("alg", json!("PS256")),
            ("key_ops", json!(["encrypt"])),
            ("e", json!("AQ")),
            ("e", json!("Ag")),
            ("e", json!("")),
            ("n", json!("AQAB")),
            ("n", json!("not base64")),
        ] {
            let mut bad = good.clone();
            bad[name] = value.clone();
            assert!(PublicKey::from_jwk(&bad).is_err(), "{name}: {value}");
        }
    }
}
