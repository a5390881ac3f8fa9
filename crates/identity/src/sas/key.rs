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

    #[test]
    fn a_key_of_any_length_is_decoded() {
        for length in [16, 32, 64, 96, 97, 300] {
            let key = STANDARD.encode(vec![7; length]);
            assert_eq!(with_decoded(&key, <[u8]>::len), Some(length));
        }
        assert_eq!(with_decoded("not base64!", <[u8]>::len), None);
    }
}
