//! The refresh tokens in circulation. Kept in memory only: after a restart users sign in again.
//!
//! Source: "Refresh tokens in the Microsoft identity platform": opaque, bound to user and client but to no resource, good
//! for 90 days, replaced on every use; the one that was used stays good.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_kernel::{Entropy, Secret, SignedDuration, Timestamp};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// How many are remembered; the oldest goes first.
const MOST: usize = 4096;

const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

const RANDOM_BYTES: usize = 48;

/// What a refresh token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The user's object id.
    pub(crate) object_id: String,
    /// The client it was given to.
    pub(crate) client_id: String,
    /// The resource that was asked for with it, for clients that name none later.
    pub(crate) resource: String,
    /// The moment from which it is refused.
    pub(crate) expires_at: Timestamp,
}

/// The sessions, the oldest first, each by the SHA-256 of its token.
#[derive(Default)]
pub(crate) struct RefreshTokens(Mutex<VecDeque<([u8; 32], Session)>>);

impl RefreshTokens {
    /// A new refresh token for a session that begins now.
    pub(crate) fn grant(
        &self,
        entropy: &dyn Entropy,
        now: Timestamp,
        object_id: &str,
        client_id: &str,
        resource: &str,
    ) -> Secret {
        let mut bytes = [0; RANDOM_BYTES];
        entropy.fill(&mut bytes);
        let token = format!("1.{}", URL_SAFE_NO_PAD.encode(bytes));
        let session = Session {
            object_id: object_id.to_owned(),
            client_id: client_id.to_owned(),
            resource: resource.to_owned(),
            expires_at: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
        };
        let mut sessions = self.0.lock();
        if sessions.len() == MOST {
            sessions.pop_front();
        }
        sessions.push_back((Sha256::digest(&token).into(), session));
        Secret::new(token)
    }

    /// The session that `token` stands for, run out or not.
    pub(crate) fn find(&self, token: &str) -> Option<Session> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.0.lock().iter().find(|(known, _)| *known == digest).map(|(_, session)| session.clone())
    }

    /// Forgets them all.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SeededEntropy;

    use super::*;

    fn grant(tokens: &RefreshTokens, entropy: &SeededEntropy, client: &str) -> Secret {
        tokens.grant(entropy, Timestamp::UNIX_EPOCH, "user", client, "https://iothubs.azure.net")
    }

    #[test]
    fn a_token_finds_its_session_and_no_other_text_does() {
        let (tokens, entropy) = (RefreshTokens::default(), SeededEntropy::new(1));
        let token = grant(&tokens, &entropy, "a");
        grant(&tokens, &entropy, "b");
        assert_eq!(tokens.find(token.reveal()).unwrap().client_id, "a");
        assert_eq!(tokens.find(&token.reveal()[1..]), None);
        tokens.clear();
        assert_eq!(tokens.find(token.reveal()), None);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let (tokens, entropy) = (RefreshTokens::default(), SeededEntropy::new(1));
        let (first, second) = (grant(&tokens, &entropy, "a"), grant(&tokens, &entropy, "b"));
        for _ in 0..MOST - 1 {
            grant(&tokens, &entropy, "c");
        }
        assert_eq!(tokens.find(first.reveal()), None);
        assert!(tokens.find(second.reveal()).is_some());
    }
}
