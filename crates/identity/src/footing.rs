//! What a caller stands on: the very key, thumbprint or authority that proved it.
//!
//! Kept with a session that lasts, so that it can be asked later whether that is still registered, at the price of sixteen
//! bytes and without the credential.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use iolite_kernel::Secret;

/// A digest of a key, thumbprint or authority; equal for equal ones. It prints nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Footing([u8; 16]);

impl Footing {
    /// Of a symmetric key, as its text stands in the registry.
    #[must_use]
    pub fn of_key(key: &Secret) -> Self {
        Self::of(b'k', key.reveal().as_bytes())
    }

    /// Of a thumbprint, without case.
    #[must_use]
    pub fn of_thumbprint(thumbprint: &str) -> Self {
        Self::of(b't', thumbprint.trim().to_ascii_uppercase().as_bytes())
    }

    /// Of an authority's certificate, DER.
    #[must_use]
    pub fn of_authority(der: &[u8]) -> Self {
        Self::of(b'a', der)
    }

    fn of(kind: u8, bytes: &[u8]) -> Self {
        let whole = digest(&SHA256, &[&[kind], bytes].concat());
        let mut first = [0; 16];
        first.copy_from_slice(&whole.as_ref()[..16]);
        Self(first)
    }
}

impl fmt::Debug for Footing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Footing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_are_equal_footings_and_none_prints() {
        let key = |text: &str| Footing::of_key(&Secret::new(text));
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
        assert_ne!(key("A"), Footing::of_thumbprint("a"));
        assert_eq!(Footing::of_thumbprint(" ab"), Footing::of_thumbprint("AB"));
        assert_eq!(format!("{:?}", key("a")), "Footing");
    }
}
