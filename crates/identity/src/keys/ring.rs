//! The keys in force: the one that signs, and those that signed before and are still believed for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iolite_kernel::{Ground, SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use super::{PublicKey, SigningKey};

/// How many retired keys are remembered: more rotations than that within one overlap drop the oldest early.
const RETIRED_KEYS: usize = 16;

/// The tenant's signing keys. Empty until the first is installed, since making one takes longer than starting up.
pub struct KeyRing {
    ground: Ground,
    current: watch::Sender<Option<Arc<SigningKey>>>,
    retired: Mutex<Vec<RingKey>>,
    generation: AtomicU64,
}

/// A key that tokens may be verified with.
#[derive(Debug, Clone)]
pub(crate) struct RingKey {
    /// The key.
    pub(crate) public: Arc<PublicKey>,
    /// The moment from which it is not believed any more; `None` for the key that signs.
    pub(crate) until: Option<Timestamp>,
}

impl KeyRing {
    /// A ring without a key.
    #[must_use]
    pub fn new(ground: Ground) -> Self {
        Self { ground, current: watch::Sender::new(None), retired: Mutex::default(), generation: AtomicU64::new(0) }
    }

    /// Puts `key` in force and forgets every other one at once.
    pub fn install(&self, key: SigningKey) {
        self.replace(key, None);
    }

    /// Puts `key` in force. The one before is believed until `overlap` from now, on the world's clock, and not a moment
    /// longer; zero or less distrusts it at once.
    pub fn rotate(&self, key: SigningKey, overlap: SignedDuration) {
        let until = self.ground.now().saturating_add(overlap).unwrap_or(Timestamp::MAX);
        self.replace(key, Some(until));
    }

    /// The key that signs; waits until there is one.
    pub async fn signing(&self) -> Arc<SigningKey> {
        let mut receiver = self.current.subscribe();
        loop {
            if let Some(key) = receiver.borrow_and_update().clone() {
                return key;
            }
            if receiver.changed().await.is_err() {
                // Cannot be: the sender is a part of `self`.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The key that signs, where there is one yet.
    #[must_use]
    pub fn current(&self) -> Option<Arc<SigningKey>> {
        self.current.borrow().clone()
    }

    /// A token with `claims` under an Entra-like header; waits until there is a key. Should the library ever fail to sign,
    /// which it has no documented way to with a key that it parsed, the token is empty, which every verifier refuses.
    pub async fn sign(&self, claims: &Value) -> String {
        self.signing().await.sign_token(claims).unwrap_or_default()
    }

    /// The keys to publish: the one that signs first, then those still believed. Empty until the first is installed:
    /// await [`Self::signing`] before answering with it.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Arc<PublicKey>> {
        let now = self.ground.now();
        let current = self.current().map(|key| Arc::clone(key.public()));
        let retired = self.retired.lock();
        current
            .into_iter()
            .chain(retired.iter().filter(|key| key.is_believed_at(now)).map(|key| Arc::clone(&key.public)))
            .collect()
    }

    /// Changes with every installation and rotation; what was verified under another generation must be verified again.
    /// The end of an overlap is no change: see [`RingKey::until`].
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The key with this id, where it is believed now.
    pub(crate) fn find(&self, kid: &str) -> Option<RingKey> {
        if let Some(key) = self.current.borrow().as_ref().filter(|key| key.public().kid == kid) {
            return Some(RingKey { public: Arc::clone(key.public()), until: None });
        }
        let now = self.ground.now();
        self.retired.lock().iter().find(|key| key.public.kid == kid && key.is_believed_at(now)).cloned()
    }

    fn replace(&self, key: SigningKey, keep_until: Option<Timestamp>) {
        let mut retired = self.retired.lock();
        let before = self.current.send_replace(Some(Arc::new(key)));
        match (before, keep_until) {
            (Some(before), Some(_)) => {
                retired.insert(0, RingKey { public: Arc::clone(before.public()), until: keep_until });
                retired.truncate(RETIRED_KEYS);
            }
            (_, None) => retired.clear(),
            (None, Some(_)) => {}
        }
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl RingKey {
    /// Whether the key may still be used at `now`.
    pub(crate) fn is_believed_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use iolite_kernel::{SteerableClock, SystemEntropy};
    use serde_json::json;

    use super::super::fixture;
    use super::*;

    fn ring() -> (Arc<SteerableClock>, KeyRing) {
        let clock = Arc::new(SteerableClock::frozen_at(Timestamp::UNIX_EPOCH));
        let ground = Ground { clock: clock.clone(), entropy: Arc::new(SystemEntropy) };
        (clock, KeyRing::new(ground))
    }

    #[test]
    fn whoever_needs_the_first_key_waits_for_it() {
        let (_, ring) = ring();
        assert!(ring.public_keys().is_empty());
        let mut waiting = pin!(ring.signing());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        let key = fixture::first();
        let kid = key.public().kid.clone();
        ring.install(key);
        let Poll::Ready(found) = waiting.as_mut().poll(&mut context) else { panic!("the key is there") };
        assert_eq!(found.public().kid, kid);
    }

    #[test]
    fn an_old_key_is_believed_until_the_overlap_ends() {
        let (clock, ring) = ring();
        ring.install(fixture::first());
        let old = ring.public_keys()[0].kid.clone();
        let generation = ring.generation();
        ring.rotate(fixture::second(), SignedDuration::from_mins(10));
        assert_ne!(ring.generation(), generation);
        assert_eq!(ring.public_keys().len(), 2);
        assert_eq!(ring.public_keys()[1].kid, old);
        clock.advance(SignedDuration::from_millis(10 * 60_000 - 1));
        assert!(ring.find(&old).is_some());
        clock.advance(SignedDuration::from_millis(1));
        assert!(ring.find(&old).is_none());
        assert_eq!(ring.public_keys().len(), 1);
    }

    #[test]
    fn a_rotation_without_overlap_distrusts_the_old_key_at_once() {
        let (_, ring) = ring();
        ring.install(fixture::first());
        let old = ring.public_keys()[0].kid.clone();
        ring.rotate(fixture::second(), SignedDuration::ZERO);
        assert!(ring.find(&old).is_none());
    }

    #[test]
    fn an_installed_key_leaves_no_other() {
        let (_, ring) = ring();
        ring.install(fixture::first());
        ring.rotate(fixture::second(), SignedDuration::from_hours(1));
        ring.install(fixture::second());
        assert_eq!(ring.public_keys().len(), 1);
    }

    #[tokio::test]
    async fn a_token_names_the_key_that_signed_it_twice() {
        let (_, ring) = ring();
        ring.install(fixture::first());
        let token = ring.sign(&json!({"aud": "x"})).await;
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        let header: Value = serde_json::from_slice(
            &base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, parts[0]).unwrap(),
        )
        .unwrap();
        let kid = ring.public_keys()[0].kid.clone();
        assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": kid, "x5t": kid}));
    }
}
