//! The compact serialization of a signed token (RFC 7515, section 7.1), read strictly, and its signature.
//!
//! The header chooses nothing here: the algorithm must be the one on our list, the key must be one that the caller of
//! this module knows, and key material or addresses inside the token are never looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use super::strict;
use crate::credential::MAXIMUM_CREDENTIAL_BYTES;
use crate::keys::PublicKey;

/// The one algorithm that Entra signs access tokens with, and the one on our list.
pub const ALGORITHM: &str = "RS256";

/// Header parameters that change what the rest of the token means. None is known here, so none is accepted
/// (RFC 7515, section 4.1.11; RFC 7797; RFC 7516, section 4.1.3).
const CHANGES_MEANING: [&str; 3] = ["crit", "b64", "zip"];

/// A token in three parts, decoded; nothing of it is verified.
#[derive(Debug)]
pub struct Compact<'a> {
    header: Map<String, Value>,
    payload: Vec<u8>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// Why a token cannot be believed, short of its claims. Displays without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompactError {
    /// It is too large to be read.
    #[error("{0} bytes; at most {MAXIMUM_CREDENTIAL_BYTES} are read")]
    TooLarge(usize),
    /// It is not in three parts.
    #[error("{0} parts between dots; a signed token has 3")]
    Parts(usize),
    /// A part is not base64url without padding.
    #[error("the {0} is not base64url without padding")]
    Encoding(&'static str),
    /// The header is not one JSON object.
    #[error("the header is not one JSON object in which every name stands once")]
    Header,
    /// The header has a parameter that changes what the token means.
    #[error("the header has `{0}`, which is not supported")]
    Parameter(&'static str),
    /// The header says that this is something else.
    #[error("the header's typ is not JWT")]
    Kind,
    /// The header's algorithm is not on our list.
    #[error("alg is {0}; only {ALGORITHM} is accepted")]
    Algorithm(String),
    /// The header names no key of ours.
    #[error("kid is {0}, which is no key of this tenant")]
    Key(String),
    /// The signature is wrong.
    #[error("the signature is not that of the key that kid names")]
    Signature,
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    pub fn parse(token: &'a str) -> Result<Self, CompactError> {
        if token.len() > MAXIMUM_CREDENTIAL_BYTES {
            return Err(CompactError::TooLarge(token.len()));
        }
        let count = token.split('.').count();
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), 3) = (parts.next(), parts.next(), parts.next(), count)
        else {
            return Err(CompactError::Parts(count));
        };
        let decode = |name, text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| CompactError::Encoding(name));
        let header = strict::object(&decode("header", header)?).ok_or(CompactError::Header)?;
        if let Some(name) = CHANGES_MEANING.into_iter().find(|name| header.contains_key(*name)) {
            return Err(CompactError::Parameter(name));
        }
        if header.get("typ").is_some_and(|kind| !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("JWT"))) {
            return Err(CompactError::Kind);
        }
        let signed = &token.as_bytes()[..token.len() - signature.len() - 1];
        Ok(Self { header, payload: decode("payload", payload)?, signed, signature: decode("signature", signature)? })
    }

    /// Whether the algorithm is the one on our list.
    pub fn check_algorithm(&self) -> Result<(), CompactError> {
        match self.header.get("alg") {
            Some(Value::String(name)) if name == ALGORITHM => Ok(()),
            found => Err(CompactError::Algorithm(shown(found))),
        }
    }

    /// The id of the key that the header names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The refusal of a header that names no key of ours.
    #[must_use]
    pub fn unknown_key(&self) -> CompactError {
        CompactError::Key(shown(self.header.get("kid")))
    }

    /// Whether the signature is `key`'s, and the payload with it.
    pub fn verify(self, key: &PublicKey) -> Result<Vec<u8>, CompactError> {
        if key.verifies(self.signed, &self.signature) { Ok(self.payload) } else { Err(CompactError::Signature) }
    }
}

/// The payload of a token that is signed with a key that `find` knows; nothing is said about its claims.
pub fn verify_compact<K>(token: &str, find: impl FnOnce(&str) -> Option<K>) -> Result<Vec<u8>, CompactError>
where
    K: std::ops::Deref<Target = PublicKey>,
{
    let compact = Compact::parse(token)?;
    compact.check_algorithm()?;
    let Some(key) = compact.kid().and_then(find) else { return Err(compact.unknown_key()) };
    compact.verify(&key)
}

/// A value out of a token, short and on one line, for people.
pub(super) fn shown(value: Option<&Value>) -> String {
    const LENGTH: usize = 80;
    let text = match value {
        None => return "missing".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(_)) => return "an array".to_owned(),
        Some(Value::Object(_)) => return "an object".to_owned(),
        Some(other) => other.to_string(),
    };
    let mut line: String =
        text.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each }).take(LENGTH).collect();
    if text.chars().nth(LENGTH).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::fixture;

    fn token_with_header(header: &Value) -> String {
        let key = fixture::first();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode("{}"));
        let signature = key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn verify(token: &str) -> Result<Vec<u8>, CompactError> {
        let public = std::sync::Arc::clone(fixture::first().public());
        verify_compact(token, |kid| (kid == public.kid).then_some(public.clone()))
    }

    #[test]
    fn a_signed_token_gives_its_payload() {
        let kid = fixture::first().public().kid.clone();
        assert_eq!(verify(&token_with_header(&json!({"alg": "RS256", "kid": kid}))).unwrap(), b"{}");
        assert_eq!(verify(&token_with_header(&json!({"alg": "RS256", "kid": kid, "typ": "jwt"}))).unwrap(), b"{}");
    }

    #[test]
    fn a_header_that_changes_the_meaning_is_refused_though_signed() {
        let kid = fixture::first().public().kid.clone();
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("b64", json!(true)),
            ("zip", json!("DEF")),
            ("typ", json!("JWE")),
            ("typ", json!(7)),
        ] {
            let mut header = json!({"alg": "RS256", "kid": kid});
            header[name] = value;
            assert!(verify(&token_with_header(&header)).is_err(), "{header}");
        }
    }

    #[test]
    fn what_is_shown_of_a_token_is_short_and_on_one_line() {
        assert_eq!(shown(Some(&json!("a\nb"))), "`a\u{fffd}b`");
        assert_eq!(shown(Some(&json!("x".repeat(1_000_000)))).chars().count(), 81);
        assert_eq!(shown(Some(&json!(["RS256"]))), "an array");
        assert_eq!(shown(None), "missing");
    }
}
