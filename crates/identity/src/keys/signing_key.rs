//! A private key that access tokens are signed with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{KeyError, PublicKey};

/// An RSA key of 2048 bits, parsed once and kept: signing then takes a third of the time.
pub struct SigningKey {
    pair: KeyPair,
    public: Arc<PublicKey>,
}

impl SigningKey {
    /// Makes a key. Takes 100 to 200 ms of one processor: not for a thread that serves.
    pub fn generate() -> Result<Self, KeyError> {
        KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation).and_then(Self::of)
    }

    /// Makes a key on a thread of its own. An error where the system has no thread to give: the runtime's threads for
    /// blocking work would panic then.
    pub async fn generate_aside() -> Result<Self, KeyError> {
        let (sender, made) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("signing-key".to_owned());
        // Whoever has gone meanwhile needs no key.
        let begun = thread.spawn(move || drop(sender.send(Self::generate())));
        begun.map_err(|_| KeyError::Generation)?;
        made.await.unwrap_or(Err(KeyError::Generation))
    }

    /// Reads a key that [`Self::to_pkcs8`] wrote.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        KeyPair::from_pkcs8(der).map_err(|_| KeyError::PrivateForm).and_then(Self::of)
    }

    /// The private key as PKCS#8, DER. For the wiring to keep in a file that only its owner can read.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| KeyError::Export)?;
        Ok(der.as_ref().to_vec())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &Arc<PublicKey> {
        &self.public
    }

    /// The RS256 signature over `message`.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Signing)?;
        Ok(signature)
    }

    /// A token with `claims`, under the header that Entra writes: `typ`, `alg`, `x5t` and `kid`, the last two alike.
    pub fn sign_token(&self, claims: &Value) -> Result<String, KeyError> {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.public.kid, "kid": self.public.kid});
        let mut token = unsigned(&header, claims);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn of(pair: KeyPair) -> Result<Self, KeyError> {
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let public =
            PublicKey::from_components(n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero())?;
        Ok(Self { pair, public: Arc::new(public) })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

/// The first two parts of a token, with the dot between them.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_key_that_was_kept_signs_as_before() {
        let key = fixture::first();
        let back = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(back.public().kid, key.public().kid);
        assert!(key.public().verifies(b"message", &back.sign(b"message").unwrap()));
        assert!(!fixture::second().public().verifies(b"message", &back.sign(b"message").unwrap()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(SigningKey::from_pkcs8(b"not a key").unwrap_err(), KeyError::PrivateForm);
    }

    #[test]
    fn a_private_key_does_not_print() {
        let key = fixture::first();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.public().kid));
    }
}
