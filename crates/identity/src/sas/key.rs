//! The HMAC behind a shared access signature.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use iolite_kernel::Secret;
use sha2::Sha256;

/// How many bytes an HMAC-SHA256 has.
pub(super) const MAC_BYTES: usize = 32;

/// Keys are 16 to 64 bytes; longer ones that someone wrote into a policy are decoded on the heap.
const USUAL_KEY_BYTES: usize = 96;

/// A key made ready to sign: its two blocks are hashed once, however many tokens are then looked at. It prints nothing.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The key whose bytes `key` stands for; none where it is not base64.
    pub(crate) fn of_base64(key: &Secret) -> Option<Self> {
        with_decoded(key.reveal(), Self::of_bytes).flatten()
    }

    /// The key whose bytes are those of the text itself.
    pub(crate) fn of_text(key: &Secret) -> Option<Self> {
        Self::of_bytes(key.reveal().as_bytes())
    }

    fn of_bytes(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// Whether `mac` is the whole HMAC-SHA256 of `parts`, one after the other. Takes the same time whatever byte differs; a
    /// shortened code is never right.
    pub(super) fn signed(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.fed(parts).verify_slice(mac).is_ok()
    }

    fn fed(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut state = self.0.clone();
        for part in parts {
            state.update(part);
        }
        state
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MacKey")
    }
}

/// Whether `mac` is the whole HMAC-SHA256 of `parts`, one after the other, under `key`. Takes the same time whatever
/// byte differs; a shortened code is never right.
#[must_use]
pub fn mac_matches(key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
    MacKey::of_bytes(key).is_some_and(|key| key.signed(parts, mac))
}

/// The HMAC-SHA256 of `parts` under `key`. HMAC takes a key of any length, so the zeros never come back.
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    MacKey::of_bytes(key).map_or([0; MAC_BYTES], |key| key.fed(parts).finalize().into_bytes().into())
}

/// Runs `act` on the bytes of a base64 key; `None` where it is not base64.
pub(super) fn with_decoded<T>(key: &str, act: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut room = [0; USUAL_KEY_BYTES];
    match STANDARD.decode_slice(key, &mut room) {
        Ok(length) => Some(act(&room[..length])),
        Err(base64::DecodeSliceError::OutputSliceTooSmall) => STANDARD.decode(key).ok().map(|bytes| act(&bytes)),
        Err(base64::DecodeSliceError::DecodeError(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_signed_as_one_text() {
        let whole = mac(b"key", &[b"localhost\n1700000000"]);
        assert!(mac_matches(b"key", &[b"localhost", b"\n", b"1700000000"], &whole));
        assert!(!mac_matches(b"other", &[b"localhost", b"\n", b"1700000000"], &whole));
    }

    #[test]
    fn a_shortened_code_is_never_right() {
        let whole = mac(b"key", &[b"text"]);
        for length in 0..MAC_BYTES {
            assert!(!mac_matches(b"key", &[b"text"], &whole[..length]), "{length} bytes");
        }
    }

    /// Whether the time tells something is measured by `scripts/bench timing`; here, that nothing else compares. A code is
    /// made only to be written into a token, and what a token shows is handed over and never looked at.
    #[test]
    fn s3_a_code_is_compared_by_the_mac_s_own_constant_time_verify_and_by_nothing_else() {
        let production = |text: &'static str| text.split("#[cfg(test)]").next().unwrap();
        let count = |text: &str, what: &str| text.matches(what).count();
        let (key, token) = (production(include_str!("key.rs")), production(include_str!("token.rs")));
        assert_eq!((count(key, ".verify_slice(mac)"), count(key, ".finalize()")), (1, 1), "one verifies, one makes");
        assert_eq!(count(key, "=="), 0, "nothing is compared beside the MAC");
        assert_eq!(count(token, "self.signature"), 1);
        assert_eq!(count(token, "key.signed(&[self.signed.as_bytes()], &self.signature)"), 1);
        assert!(!token.contains("PartialEq)]\npub struct SasToken"), "two tokens are never compared");
        let signing = production(include_str!("sign.rs"));
        assert_eq!(count(signing, "=="), 0, "a token is verified, not made again and compared");
    }

    #[test]
    fn a_key_of_any_length_is_decoded() {
        for length in [16, 32, 64, 96, 97, 300] {
            let key = STANDARD.encode(vec![7; length]);
            assert_eq!(with_decoded(&key, <[u8]>::len), Some(length));
        }
        assert_eq!(with_decoded("not base64!", <[u8]>::len), None);
    }
}
