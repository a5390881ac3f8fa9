//! The HMAC behind a shared access signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How many bytes an HMAC-SHA256 has.
pub(super) const MAC_BYTES: usize = 32;

/// Keys are 16 to 64 bytes; longer ones that someone wrote into a policy are decoded on the heap.
const USUAL_KEY_BYTES: usize = 96;

/// Whether `mac` is the whole HMAC-SHA256 of `parts`, one after the other, under `key`. Takes the same time whatever
/// byte differs; a shortened code is never right.
#[must_use]
pub fn mac_matches(key: &[u8], parts: &[&[u8]], mac: &[u8]) -> bool {
    fed(key, parts).is_some_and(|state| state.verify_slice(mac).is_ok())
}

/// The HMAC-SHA256 of `parts` under `key`. HMAC takes a key of any length, so the zeros never come back.
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    fed(key, parts).map_or([0; MAC_BYTES], |state| state.finalize().into_bytes().into())
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

fn fed(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut state = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        state.update(part);
    }
    Some(state)
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
        assert_eq!(count(token, "self.signature"), count(token, "mac_matches(bytes, &parts, &self.signature)") + 1);
        assert_eq!(count(token, "mac_matches(key.as_bytes(), &parts, &self.signature)"), 1);
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
