//! The keys and ids that a world file leaves out.
//!
//! Without `--generate-keys` they are derived from names, the same on every machine, and so are public knowledge; that is
//! why such a world is not served beyond loopback without a word of consent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Entropy, Secret, Uuid};
use sha2::{Digest, Sha256};

/// The namespace of derived GUIDs; any fixed UUID would do.
const NAMESPACE: Uuid = Uuid::from_u128(0x10_1173_c0ff_ee40_0080_0010_1173_0000);

/// Makes keys: derived ones, or fresh ones from `entropy`.
pub(crate) struct KeyMaker<'a> {
    /// Where fresh keys come from; `None` derives them.
    pub(crate) entropy: Option<&'a dyn Entropy>,
}

impl KeyMaker<'_> {
    /// A 32-byte key, base64, for what `names` name.
    pub(crate) fn key(&self, names: &[&str]) -> Secret {
        match self.entropy {
            Some(entropy) => Secret::new(entropy.key(32)),
            None => Secret::new(STANDARD.encode(Sha256::digest(format!("iolite well-known key/{}", names.join("/"))))),
        }
    }

    /// The given text, or a fresh secret where fresh keys are asked for.
    pub(crate) fn secret(&self, given: &str) -> Secret {
        self.entropy.map_or_else(|| Secret::new(given), |entropy| Secret::new(entropy.key(24)))
    }
}

/// A GUID for what `names` name, the same on every machine.
pub(crate) fn derived_guid(names: &[&str]) -> String {
    Uuid::new_v5(&NAMESPACE, names.join("/").as_bytes()).to_string()
}

/// An id scope (`0ne` and eight hexadecimal digits) for a provisioning service.
pub(crate) fn derived_id_scope(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    format!("0ne{:02X}{:02X}{:02X}{:02X}", digest[0], digest[1], digest[2], digest[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_is_the_same_every_time_and_its_own() {
        let maker = KeyMaker { entropy: None };
        assert_eq!(maker.key(&["hub", "owner", "primary"]), maker.key(&["hub", "owner", "primary"]));
        assert_ne!(maker.key(&["hub", "owner", "primary"]), maker.key(&["hub", "owner", "secondary"]));
        assert_eq!(STANDARD.decode(maker.key(&["x"]).reveal()).unwrap().len(), 32);
    }

    #[test]
    fn an_id_scope_has_eleven_characters() {
        assert_eq!(derived_id_scope("contoso-dps").len(), 11);
    }
}
