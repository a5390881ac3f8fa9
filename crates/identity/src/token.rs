//! Entra access tokens: who holds this one, if it can be believed.
//!
//! Called by the door for every `Bearer` credential. Nothing is ever fetched: keys come from the tenant's own ring, and
//! an address or a key inside a token is not looked at.

mod cache;
mod claims;
mod compact;
mod rules;
mod strict;

use std::sync::Arc;

use aws_lc_rs::digest;
use iolite_kernel::{Ground, Secret};
use iolite_resources::{Estate, Principal, PrincipalKind};
use parking_lot::Mutex;

use crate::credential::MAXIMUM_CREDENTIAL_BYTES;
use crate::known::Known;
use crate::trail::{Refused, Trail};
use crate::{Authentication, Caller, CheckKind, KeyRing, Presented, PrincipalCaller, Reason};

pub(crate) use cache::Verified;
use cache::{Cache, Digest};
use claims::Claims;
pub use compact::{ALGORITHM, Compact, CompactError, verify_compact};
pub use rules::Door;

/// Verifies access tokens and remembers those it verified.
pub struct TokenVerifier {
    estate: Estate,
    ground: Ground,
    ring: Arc<KeyRing>,
    cache: Cache,
}

impl TokenVerifier {
    /// A verifier of the tokens of `estate`'s tenant, signed with the keys of `ring`.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground, ring: Arc<KeyRing>) -> Self {
        Self { estate, ground, ring, cache: Cache::default() }
    }

    /// Who holds `token` at `door`; `presented` is what it was shown in, and remembers it.
    #[must_use]
    pub fn authenticate(&self, presented: &Presented, token: &Secret, door: Door<'_>) -> Authentication {
        let now = self.ground.now();
        let token = token.reveal();
        // Read before the key is looked up: a rotation in between then leaves an entry that is never found.
        let generation = self.ring.generation();
        if let Some(verified) = presented.known_token()
            && verified.holds(door, generation, now)
        {
            return self.admit(&verified);
        }
        let digest = digest_of(token);
        if let Some(digest) = &digest
            && let Some(verified) = self.cache.find(digest, door, generation, now)
        {
            presented.remember(Known::Token(Arc::clone(&verified)));
            return self.admit(&verified);
        }
        let mut trail = Trail::new();
        match self.verify(token, door, generation, &mut trail) {
            Err(refused) => trail.refuse(refused),
            Ok(mut verified) => {
                let detail = format!("oid {} is an enabled principal of the directory", verified.object_id);
                trail.pass(CheckKind::Principal, detail);
                verified.checks = trail.into_checks();
                let verified = Arc::new(verified);
                let answer = self.admit(&verified);
                presented.remember(Known::Token(Arc::clone(&verified)));
                if let Some(digest) = digest {
                    self.cache.keep(digest, verified);
                }
                answer
            }
        }
    }

    /// Everything but the principal.
    fn verify(&self, token: &str, door: Door<'_>, generation: u64, trail: &mut Trail) -> Result<Verified, Refused> {
        trail.pass(CheckKind::Presence, "");
        trail.pass(CheckKind::KindOfCredential, "Entra access token");
        let compact = match Compact::parse(token) {
            Ok(compact) => compact,
            Err(error @ CompactError::TooLarge(_)) => {
                return Err(trail.fail(CheckKind::Size, Reason::TooLarge, error.to_string()));
            }
            Err(error) => return Err(trail.fail(CheckKind::Form, Reason::Malformed, error.to_string())),
        };
        trail.pass(CheckKind::Size, "");
        trail.pass(CheckKind::Form, "");
        if let Err(error) = compact.check_algorithm() {
            return Err(trail.fail(CheckKind::Algorithm, Reason::AlgorithmNotAllowed, error.to_string()));
        }
        trail.pass(CheckKind::Algorithm, ALGORITHM);
        let Some(key) = compact.kid().and_then(|kid| self.ring.find(kid)) else {
            return Err(trail.fail(CheckKind::Key, Reason::UnknownKey, compact.unknown_key().to_string()));
        };
        trail.pass(CheckKind::Key, key.public.kid.clone());
        let payload = match compact.verify(&key.public) {
            Ok(payload) => payload,
            Err(error) => return Err(trail.fail(CheckKind::Signature, Reason::BadSignature, error.to_string())),
        };
        trail.pass(CheckKind::Signature, "");
        let Some(claims) = Claims::read(&payload) else {
            let detail = "the payload is not one JSON object in which every name stands once";
            return Err(trail.fail(CheckKind::Form, Reason::Malformed, detail));
        };
        let judged = rules::judge(&claims, door, &self.estate.tenant, self.ground.now(), trail)?;
        Ok(Verified {
            object_id: judged.object_id,
            client_id: judged.client_id,
            expires_at: judged.expires_at,
            first_second: judged.first_second,
            last_second: judged.last_second,
            key_until: key.until,
            generation,
            service: door.service,
            origin: judged.by_origin.then(|| door.origin.into()),
            checks: Arc::new([]),
            holder: Mutex::default(),
        })
    }

    /// The holder of a verified token, as the directory knows it now.
    fn admit(&self, verified: &Verified) -> Authentication {
        // Read before the directory is: a change in between then leaves a holder that is looked up anew.
        let changes = self.estate.principals.changes();
        if let Some(holder) = verified.holder_as_of(changes) {
            return Authentication { checks: Arc::clone(&verified.checks), outcome: Ok(holder) };
        }
        let refuse = |detail: String| {
            let before = verified.checks.len().saturating_sub(1);
            let mut trail = Trail::from_passed(&verified.checks[..before]);
            let refused = trail.fail(CheckKind::Principal, Reason::UnknownPrincipal, detail);
            trail.refuse(refused)
        };
        let Some(principal) = self.estate.principal(&verified.object_id) else {
            return refuse(format!("oid {} is not in the directory", claims_text(&verified.object_id)));
        };
        if !principal.enabled {
            return refuse(format!("`{}` is disabled", principal.name));
        }
        if matches!(principal.kind, PrincipalKind::Group { .. }) {
            return refuse(format!("`{}` is a group, which holds no token", principal.name));
        }
        let caller = PrincipalCaller {
            name: shown_name(&principal).to_owned(),
            principal_kind: principal.kind_name(),
            client_id: verified.client_id.clone(),
            groups: self.estate.groups_of(&principal.object_id).to_vec(),
            expires_at: verified.expires_at,
            object_id: principal.object_id.clone(),
        };
        let holder = Arc::new(Caller::Principal(caller));
        verified.keep_holder(changes, &holder);
        Authentication { checks: Arc::clone(&verified.checks), outcome: Ok(holder) }
    }
}

/// The digest that a token is remembered by; none for one that is too large to be read.
fn digest_of(token: &str) -> Option<Digest> {
    if token.len() > MAXIMUM_CREDENTIAL_BYTES {
        return None;
    }
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().ok()
}

fn claims_text(text: &str) -> String {
    compact::shown(Some(&serde_json::Value::from(text)))
}

/// A person's user name, anything else's name in the world.
fn shown_name(principal: &Principal) -> &str {
    match &principal.kind {
        PrincipalKind::User { user_name, .. } => user_name,
        _ => &principal.name,
    }
}

#[cfg(test)]
mod tests;
