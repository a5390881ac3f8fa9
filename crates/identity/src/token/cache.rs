//! Tokens that were verified a moment ago, so that a caller's next request costs a hash and not a signature.
//!
//! Only successes are kept. The principal is kept as of one state of the directory: any change of the directory, and it is
//! looked up anew, whether it is enabled and its groups included.

use std::collections::HashMap;
use std::sync::Arc;

use iolite_kernel::{Service, Timestamp};
use parking_lot::{Mutex, RwLock};

use super::Door;
use crate::{Caller, Checks};

/// How many tokens are kept at most, in two halves.
pub(super) const CAPACITY: usize = 4096;

/// The SHA-256 of a whole token.
pub(super) type Digest = [u8; 32];

/// A token that passed every rule, and until when that holds.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(super) object_id: String,
    pub(super) client_id: Option<String>,
    pub(super) expires_at: Timestamp,
    pub(super) first_second: i64,
    pub(super) last_second: i64,
    /// The moment from which its signing key is not believed any more.
    pub(super) key_until: Option<Timestamp>,
    /// The generation of the keys that it was verified under.
    pub(super) generation: u64,
    /// The service that it is good for.
    pub(super) service: Service,
    /// The one origin it is good at, where its audience is an origin.
    pub(super) origin: Option<Box<str>>,
    /// All checks, passed; the last is the principal's.
    pub(super) checks: Checks,
    /// The principal, after so many changes of the directory.
    pub(super) holder: Mutex<Option<(u64, Arc<Caller>)>>,
}

impl Verified {
    /// The principal, where the directory has not changed since.
    pub(super) fn holder_as_of(&self, changes: u64) -> Option<Arc<Caller>> {
        self.holder.lock().as_ref().filter(|(known, _)| *known == changes).map(|(_, holder)| Arc::clone(holder))
    }

    /// Keeps the principal as it was found after so many changes of the directory.
    pub(super) fn keep_holder(&self, changes: u64, holder: &Arc<Caller>) {
        *self.holder.lock() = Some((changes, Arc::clone(holder)));
    }

    /// Whether what was found then is still so at this door.
    pub(super) fn holds(&self, door: Door<'_>, generation: u64, now: Timestamp) -> bool {
        self.service == door.service
            && self.generation == generation
            && (self.first_second..=self.last_second).contains(&now.as_second())
            && self.key_until.is_none_or(|until| now < until)
            && self.origin.as_deref().is_none_or(|origin| origin == door.origin)
    }
}

/// The tokens, in two halves: when the young half is full it becomes the old one, and what was in the old one and not
/// used meanwhile is gone.
#[derive(Debug, Default)]
pub(super) struct Cache {
    halves: RwLock<Halves>,
}

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Digest, Arc<Verified>>,
    old: HashMap<Digest, Arc<Verified>>,
}

impl Cache {
    /// The token with this digest, where what was found of it still holds.
    pub(super) fn find(
        &self,
        digest: &Digest,
        door: Door<'_>,
        generation: u64,
        now: Timestamp,
    ) -> Option<Arc<Verified>> {
        let (found, is_old) = {
            let halves = self.halves.read();
            match halves.young.get(digest) {
                Some(found) => (Arc::clone(found), false),
                None => (Arc::clone(halves.old.get(digest)?), true),
            }
        };
        if !found.holds(door, generation, now) {
            return None;
        }
        if is_old {
            self.keep(*digest, Arc::clone(&found));
        }
        Some(found)
    }

    /// Keeps a token.
    pub(super) fn keep(&self, digest: Digest, verified: Arc<Verified>) {
        let mut halves = self.halves.write();
        if halves.young.len() >= CAPACITY / 2 && !halves.young.contains_key(&digest) {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.old.remove(&digest);
        halves.young.insert(digest, verified);
    }

    /// How many tokens are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let halves = self.halves.read();
        halves.young.len() + halves.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: Door<'static> = Door { service: Service::Hub, origin: "https://localhost" };

    fn digest(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    fn verified() -> Arc<Verified> {
        Arc::new(Verified {
            object_id: String::new(),
            client_id: None,
            expires_at: Timestamp::UNIX_EPOCH,
            first_second: 0,
            last_second: 10,
            key_until: None,
            generation: 1,
            service: Service::Hub,
            origin: None,
            checks: Arc::new([]),
            holder: Mutex::default(),
        })
    }

    #[test]
    fn the_cache_never_outgrows_its_bound_and_keeps_what_is_used() {
        let cache = Cache::default();
        for number in 0..CAPACITY * 3 {
            cache.keep(digest(number), verified());
            assert!(cache.find(&digest(0), DOOR, 1, Timestamp::UNIX_EPOCH).is_some(), "after {number}");
            assert!(cache.len() <= CAPACITY);
        }
        assert!(cache.find(&digest(1), DOOR, 1, Timestamp::UNIX_EPOCH).is_none());
    }

    #[test]
    fn a_token_is_found_only_where_and_while_it_holds() {
        let cache = Cache::default();
        cache.keep(digest(0), verified());
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(cache.find(&digest(0), DOOR, 1, at(10)).is_some());
        assert!(cache.find(&digest(0), DOOR, 1, at(11)).is_none(), "over");
        assert!(cache.find(&digest(0), DOOR, 1, at(-1)).is_none(), "not begun");
        assert!(cache.find(&digest(0), DOOR, 2, at(5)).is_none(), "other keys");
        assert!(cache.find(&digest(0), Door { service: Service::Twins, ..DOOR }, 1, at(5)).is_none(), "other door");
    }
}
