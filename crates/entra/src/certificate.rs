//! Certificates and public keys that the directory registered for an application, read for checking a signature.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use iolite_kernel::Timestamp;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use thiserror::Error;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What was registered cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what is registered is not a PEM certificate or public key")]
pub(crate) struct Unreadable;

/// Whether a PEM text is a certificate that an application's assertions can be checked by.
#[must_use]
pub fn is_certificate(pem: &str) -> bool {
    Certificate::from_pem(pem).is_ok()
}

/// Whether a PEM text is a public key that an outside issuer's assertions can be checked by.
#[must_use]
pub fn is_public_key(pem: &str) -> bool {
    Key::from_pem(pem).is_ok()
}

/// The algorithms that assertions may be signed with; both by an RSA key of 2048 bits or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256, a salt of 32 bytes and MGF1 with SHA-256.
    Ps256,
}

impl Algorithm {
    /// The algorithm that a header's `alg` names, with case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }
}

/// A public key, DER: a `SubjectPublicKeyInfo` or an `RSAPublicKey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Reads a `PUBLIC KEY` or `RSA PUBLIC KEY` block.
    pub(crate) fn from_pem(text: &str) -> Result<Self, Unreadable> {
        let block = block(text)?;
        match block.label.as_str() {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(Self(block.contents)),
            _ => Err(Unreadable),
        }
    }

    /// Whether `signature` is this key's over `message`. A key of another kind, or a short one, verifies nothing.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let parameters = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(parameters, &self.0).verify(message, signature).is_ok()
    }
}

/// A certificate registered with an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The SHA-1 of the certificate, what `x5t` carries.
    pub(crate) sha1: [u8; 20],
    /// The SHA-256 of the certificate, what `x5t#S256` carries.
    pub(crate) sha256: [u8; 32],
    /// Its key.
    pub(crate) key: Key,
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    /// Reads the first block of `text`.
    pub(crate) fn from_pem(text: &str) -> Result<Self, Unreadable> {
        let block = block(text)?;
        let (_, parsed) = X509Certificate::from_der(&block.contents).map_err(|_| Unreadable)?;
        Ok(Self {
            sha1: Sha1::digest(&block.contents).into(),
            sha256: Sha256::digest(&block.contents).into(),
            key: Key(parsed.public_key().raw.to_vec()),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }

    /// Whether the certificate is within its time at `now`.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now.as_second())
    }
}

fn block(text: &str) -> Result<Pem, Unreadable> {
    Pem::iter_from_buffer(text.as_bytes()).next().and_then(Result::ok).ok_or(Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CERTIFICATE, FEDERATION};

    #[test]
    fn a_certificates_key_verifies_what_its_owner_signed() {
        let certificate = Certificate::from_pem(&CERTIFICATE.pem).unwrap();
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            let signature = CERTIFICATE.sign(algorithm, b"message");
            assert!(certificate.key.verifies(algorithm, b"message", &signature));
            assert!(!certificate.key.verifies(algorithm, b"massage", &signature));
        }
        let other = Key::from_pem(&FEDERATION.public_pem()).unwrap();
        assert!(!other.verifies(Algorithm::Rs256, b"message", &CERTIFICATE.sign(Algorithm::Rs256, b"message")));
    }

    #[test]
    fn one_algorithms_signature_is_not_the_others() {
        let certificate = Certificate::from_pem(&CERTIFICATE.pem).unwrap();
        let signature = CERTIFICATE.sign(Algorithm::Rs256, b"message");
        assert!(!certificate.key.verifies(Algorithm::Ps256, b"message", &signature));
    }

    #[test]
    fn what_is_no_certificate_is_unreadable() {
        assert_eq!(Certificate::from_pem("hello"), Err(Unreadable));
        assert_eq!(Certificate::from_pem(&FEDERATION.public_pem()), Err(Unreadable));
        assert_eq!(Key::from_pem(&CERTIFICATE.pem), Err(Unreadable));
    }
}
