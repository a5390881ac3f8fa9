//! The keys and ids that a world file leaves out.
//!
//! Without `--generate-keys` they are derived from names, the same on every machine, and so are public knowledge, as is what
//! stands in the built-in world; that is why such a world is not served beyond loopback without a word of consent. With it
//! they come of a seed that is drawn once and kept with the world, so that a reset gives the keys of the start.

use std::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Secret, Uuid};
use sha2::{Digest, Sha256};

use super::file::{PolicyEntry, WorldFile};
use super::public_keys::{PublicKeys, Which};

/// The namespace of derived GUIDs; any fixed UUID would do.
const NAMESPACE: Uuid = Uuid::from_u128(0x10_1173_c0ff_ee40_0080_0010_1173_0000);

/// Makes the keys of one seeding, and notes which of them are public knowledge.
pub(crate) struct KeyMaker {
    /// What fresh keys come of; `None` derives them from names.
    seed: Option<Secret>,
    /// The secrets that stand in the built-in world, where everybody can read them.
    built_in: Vec<String>,
    public: RefCell<PublicKeys>,
}

/// What has a policy: the resource's type and name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl KeyMaker {
    /// Keys of `seed`, or derived ones; `built_in` is the built-in world.
    pub(crate) fn new(seed: Option<Secret>, built_in: Option<&WorldFile>) -> Self {
        let people = built_in.into_iter().flat_map(|world| &world.principals);
        let secrets = people.flat_map(|entry| entry.client_secret.iter().chain(&entry.password));
        Self { seed, built_in: secrets.cloned().collect(), public: RefCell::default() }
    }

    /// A policy's primary and secondary key, 32 bytes in base64 where the file does not give them.
    pub(crate) fn policy(&self, owner: Owner<'_>, policy: &str, given: Option<&PolicyEntry>) -> (Secret, Secret) {
        let primary = given.and_then(|entry| entry.primary_key.as_deref());
        let secondary = given.and_then(|entry| entry.secondary_key.as_deref());
        let (primary, is_primary_public) = self.key(owner, [policy, "primary"], primary);
        let (secondary, is_secondary_public) = self.key(owner, [policy, "secondary"], secondary);
        if let Some(which) = Which::of(is_primary_public, is_secondary_public) {
            self.public.borrow_mut().add_policy(owner.name, policy, which);
        }
        (primary, secondary)
    }

    /// The key, and whether everybody can know it. One that the file gives is kept, unless it is the derived one.
    fn key(&self, owner: Owner<'_>, [policy, which]: [&str; 2], given: Option<&str>) -> (Secret, bool) {
        let derived = derived_key(&[owner.name, policy, which]);
        match (given, &self.seed) {
            (Some(given), _) if given != derived.reveal() => (Secret::new(given), false),
            (_, Some(seed)) => (seeded_key(seed, &[owner.kind, owner.name, policy, which]), false),
            (_, None) => (derived, true),
        }
    }

    /// A principal's secret as the file gives it; one that stands in the built-in world is replaced where keys are fresh.
    pub(crate) fn secret(&self, principal: &str, given: &str) -> Secret {
        if !self.built_in.iter().any(|known| known == given) {
            return Secret::new(given);
        }
        if let Some(seed) = &self.seed {
            return seeded_key(seed, &["principal", principal]);
        }
        self.public.borrow_mut().add_principal(principal);
        Secret::new(given)
    }

    /// Those that are public knowledge, of all that were made.
    pub(crate) fn into_public(self) -> Vec<String> {
        self.public.into_inner().told()
    }
}

fn derived_key(names: &[&str]) -> Secret {
    Secret::new(STANDARD.encode(Sha256::digest(format!("iolite well-known key/{}", names.join("/")))))
}

/// Hashed twice: nobody goes on from one key to another that begins with the same names.
fn seeded_key(seed: &Secret, names: &[&str]) -> Secret {
    let inner = Sha256::digest(format!("{}/{}", seed.reveal(), names.join("/")));
    let key = Sha256::new().chain_update(seed.reveal()).chain_update(inner).finalize();
    Secret::new(STANDARD.encode(key))
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

    const HUB: Owner<'_> = Owner { kind: "hub", name: "hub-one" };

    fn of_seed(seed: &str) -> KeyMaker {
        KeyMaker::new(Some(Secret::new(seed)), None)
    }

    #[test]
    fn a_key_is_the_same_every_time_and_its_own() {
        for maker in [KeyMaker::new(None, None), of_seed("one")] {
            let (primary, secondary) = maker.policy(HUB, "owner", None);
            assert_eq!((primary.clone(), secondary.clone()), maker.policy(HUB, "owner", None));
            assert_ne!(primary, secondary);
            assert_ne!(primary, maker.policy(HUB, "other", None).0);
            assert_eq!(STANDARD.decode(primary.reveal()).unwrap().len(), 32);
        }
    }

    #[test]
    fn another_seed_gives_other_keys_and_none_of_them_is_public() {
        let (one, other) = (of_seed("one"), of_seed("other"));
        assert_ne!(one.policy(HUB, "owner", None), other.policy(HUB, "owner", None));
        let same_name = Owner { kind: "dps", ..HUB };
        assert_ne!(one.policy(HUB, "owner", None), one.policy(same_name, "owner", None));
        assert_eq!(one.into_public(), [""; 0]);
    }

    #[test]
    fn a_well_known_key_is_well_known_though_a_file_gives_it() {
        let maker = KeyMaker::new(None, None);
        let (known, own) = (derived_key(&["hub-one", "owner", "primary"]), "T3duS2V5T3duS2V5T3duS2V5");
        let entry = |primary: &str| PolicyEntry {
            name: "owner".to_owned(),
            rights: String::new(),
            primary_key: Some(primary.to_owned()),
            secondary_key: Some(own.to_owned()),
        };
        assert_eq!(maker.policy(HUB, "owner", Some(&entry(known.reveal()))).0, known);
        assert_eq!(maker.into_public(), ["hub-one: the primary key of owner"]);
        assert_eq!(of_seed("one").policy(HUB, "owner", Some(&entry(own))).0.reveal(), own);
        assert_ne!(of_seed("one").policy(HUB, "owner", Some(&entry(known.reveal()))).0, known);
    }

    #[test]
    fn an_id_scope_has_eleven_characters() {
        assert_eq!(derived_id_scope("contoso-dps").len(), 11);
    }
}
