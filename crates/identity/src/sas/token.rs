//! A shared access signature as it came, read strictly.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Secret, SignedDuration, Timestamp};
use thiserror::Error;

use super::key::{MAC_BYTES, MacKey};
use super::{ResourceUri, field};
use crate::credential::MAXIMUM_CREDENTIAL_BYTES;

/// How far clocks may be apart: a larger difference makes authentication fail (Microsoft's page on the hub's error
/// codes, 2026). Exactly this much is still in.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// How many bytes the base64 of a signature has.
const SIGNATURE_CHARACTERS: usize = 44;

/// A shared access signature, taken apart; nothing of it is verified.
#[derive(Debug, Clone)]
pub struct SasToken {
    /// What was signed: `sr` and `se` as written, whatever their encoding, with a line feed between.
    signed: Box<str>,
    resource: ResourceUri,
    signature: [u8; MAC_BYTES],
    expiry: i64,
    policy: Option<Box<str>>,
}

/// Why a text is no shared access signature. Displays without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SasError {
    /// It is too large to be read.
    #[error("{0} bytes; at most {MAXIMUM_CREDENTIAL_BYTES} are read")]
    TooLarge(usize),
    /// It does not begin with the scheme.
    #[error("it must begin with `SharedAccessSignature `")]
    Scheme,
    /// A field is not `name=value`.
    #[error("every field must be name=value, with & between two")]
    Field,
    /// A field that is not one of the four.
    #[error("a field that is none of sr, sig, se and skn")]
    UnknownField,
    /// A field stands twice.
    #[error("`{0}` stands twice")]
    Repeated(&'static str),
    /// A field is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field is not percent-encoded UTF-8.
    #[error("`{0}` has a broken percent escape")]
    Escape(&'static str),
    /// The signature is no base64 of 32 bytes.
    #[error("`sig` is not the base64 of 32 bytes, percent-encoded (a + must be written %2B)")]
    Signature,
    /// The expiry is not a number of seconds.
    #[error("`se` must be a whole number of seconds since 1970, above 0")]
    Expiry,
}

impl SasToken {
    /// Takes `text` apart: `sr`, `sig` and `se` once each, `skn` at most once, in any order, and nothing else. An empty
    /// `skn`, which the C SDK writes for a device's own key, names no policy.
    pub fn parse(text: &str) -> Result<Self, SasError> {
        const SCHEME: &str = "SharedAccessSignature";
        if text.len() > MAXIMUM_CREDENTIAL_BYTES {
            return Err(SasError::TooLarge(text.len()));
        }
        let (scheme, fields) = text.split_once(' ').ok_or(SasError::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(SasError::Scheme);
        }
        let [mut resource, mut signature, mut expiry, mut policy] = [None; 4];
        for piece in fields.trim().split('&') {
            let (name, value) = piece.split_once('=').ok_or(SasError::Field)?;
            let (name, slot) = match name {
                "sr" => ("sr", &mut resource),
                "sig" => ("sig", &mut signature),
                "se" => ("se", &mut expiry),
                "skn" => ("skn", &mut policy),
                _ => return Err(SasError::UnknownField),
            };
            if slot.replace(value).is_some() {
                return Err(SasError::Repeated(name));
            }
        }
        let resource_text = resource.ok_or(SasError::Missing("sr"))?;
        let expiry_text = expiry.ok_or(SasError::Missing("se"))?;
        let policy = policy.map(|name| field::decode(name).ok_or(SasError::Escape("skn"))).transpose()?;
        Ok(Self {
            signed: [resource_text, "\n", expiry_text].concat().into(),
            resource: ResourceUri::parse(&field::decode(resource_text).ok_or(SasError::Escape("sr"))?),
            signature: read_signature(signature.ok_or(SasError::Missing("sig"))?)?,
            expiry: read_expiry(expiry_text)?,
            policy: policy.filter(|name| !name.is_empty()).map(Into::into),
        })
    }

    /// The resource that the token is for.
    #[must_use]
    pub fn resource(&self) -> &ResourceUri {
        &self.resource
    }

    /// The policy whose key signed; `None` for a device's or module's own key.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// When the token ends, without leeway; the end of time for an expiry beyond the year 9999.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.expiry).unwrap_or(Timestamp::MAX)
    }

    /// Whether the token has not run out at `now`, clocks being up to five minutes apart.
    #[must_use]
    pub fn is_current_at(&self, now: Timestamp) -> bool {
        now.as_second().saturating_sub(LEEWAY.as_secs()) <= self.expiry
    }

    /// Whether `key`, base64, signed the token.
    #[must_use]
    pub fn is_signed_by(&self, key: &Secret) -> bool {
        self.mac_key(key).is_some_and(|key| self.is_signed_with(&key))
    }

    /// Whether the key signed the token. Takes the same time whatever byte of the signature differs.
    pub(crate) fn is_signed_with(&self, key: &MacKey) -> bool {
        key.signed(&[self.signed.as_bytes()], &self.signature)
    }

    /// `key`, base64, as it signs tokens like this one; none where it is not base64. A token for an Event Hubs resource
    /// (`sb://…`) is signed with the text of the key, every other with the bytes that the text stands for: so do the SDKs
    /// of the two services.
    pub(crate) fn mac_key(&self, key: &Secret) -> Option<MacKey> {
        if self.resource.is_event_hubs() { MacKey::of_text(key) } else { MacKey::of_base64(key) }
    }
}

/// The 32 bytes of a signature. Base64 has one spelling only: no other alphabet, no missing padding, no stray bits.
fn read_signature(text: &str) -> Result<[u8; MAC_BYTES], SasError> {
    let decoded = field::decode(text).ok_or(SasError::Escape("sig"))?;
    let mut signature = [0; MAC_BYTES];
    if decoded.len() != SIGNATURE_CHARACTERS {
        return Err(SasError::Signature);
    }
    match STANDARD.decode_slice(decoded.as_bytes(), &mut signature) {
        Ok(MAC_BYTES) => Ok(signature),
        _ => Err(SasError::Signature),
    }
}

/// The expiry, in the one spelling that a number has.
fn read_expiry(text: &str) -> Result<i64, SasError> {
    let is_plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or(SasError::Expiry)
}

#[cfg(test)]
mod tests;
