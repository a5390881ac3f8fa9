//! The issuer's signing keys: made, kept, rotated and published.
//!
//! `entra` signs with them and publishes them, `token` verifies by them, the wiring makes and persists them. Private
//! halves leave this module only as PKCS#8, for the wiring to keep.

mod flaw;
mod public_key;
mod ring;
mod roca;
mod signing_key;

use thiserror::Error;

pub use flaw::Flaw;
pub use public_key::PublicKey;
pub use ring::KeyRing;
pub use signing_key::SigningKey;

/// A key that cannot be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The library could not make a key.
    #[error("the RSA key could not be made")]
    Generation,
    /// The bytes are no RSA key in PKCS#8, or it is not one of 2048 to 8192 bits.
    #[error("the bytes are not an RSA private key of 2048 bits or more in PKCS#8")]
    PrivateForm,
    /// The key could not be written.
    #[error("the RSA key could not be written as PKCS#8")]
    Export,
    /// The parts are no public key that RS256 may be verified with.
    #[error("not a public key for RS256: {0}")]
    PublicForm(&'static str),
    /// The library refused to sign.
    #[error("the RSA key could not sign")]
    Signing,
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Keys for tests, made once in a process.

    use std::sync::LazyLock;

    use super::SigningKey;

    static KEYS: LazyLock<[Vec<u8>; 2]> =
        LazyLock::new(|| [0, 1].map(|_| SigningKey::generate().unwrap().to_pkcs8().unwrap()));

    /// A key.
    pub(crate) fn first() -> SigningKey {
        SigningKey::from_pkcs8(&KEYS[0]).unwrap()
    }

    /// Another key.
    pub(crate) fn second() -> SigningKey {
        SigningKey::from_pkcs8(&KEYS[1]).unwrap()
    }
}
