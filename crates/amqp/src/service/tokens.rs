//! The tokens that a connection showed, by audience. Each was judged when it came, and is judged again by every door it is
//! shown to.

use iolite_identity::Credential;
use iolite_kernel::Timestamp;
use iolite_messaging::Audience;

/// How many a connection may show: a thousand devices may share one (403005 above).
pub(super) const MAXIMUM_TOKENS: usize = 2048;

/// A token that was believed.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) audience: Audience,
    pub(super) credential: Credential,
    pub(super) expires_at: Timestamp,
}

/// A connection's tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

impl Tokens {
    /// Keeps a token in the place of an older one for the same; `false` where there are too many.
    pub(super) fn put(&mut self, token: Token) -> bool {
        if let Some(old) = self.0.iter_mut().find(|old| old.audience == token.audience) {
            *old = token;
            return true;
        }
        if self.0.len() >= MAXIMUM_TOKENS {
            return false;
        }
        self.0.push(token);
        true
    }

    /// Whether a token is there that has not ended.
    pub(super) fn any(&self, now: Timestamp) -> bool {
        self.0.iter().any(|token| token.expires_at > now)
    }

    /// The token that speaks for `path` most closely; an Entra token, which names an application instead, comes last.
    pub(super) fn covering(&self, path: &[&str], now: Timestamp) -> Option<&Token> {
        let live = || self.0.iter().filter(|token| token.expires_at > now);
        live()
            .filter(|token| token.audience.covers(path))
            .max_by_key(|token| token.audience.segments.len())
            .or_else(|| live().find(|token| matches!(token.credential, Credential::Bearer(_))))
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Secret;

    use super::*;

    fn token(audience: &str, second: i64) -> Token {
        Token {
            audience: Audience::read(audience),
            credential: Credential::SharedAccessSignature(Secret::new(audience)),
            expires_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn the_closest_token_that_lives_speaks_for_a_path() {
        let mut tokens = Tokens::default();
        assert!(tokens.put(token("h", 10)) && tokens.put(token("h/devices/a", 5)));
        let path = ["devices", "a"];
        let at = |second| Timestamp::from_second(second).unwrap();
        let found = |second| tokens.covering(&path, at(second)).map(|token| token.audience.segments.len());
        assert_eq!(found(1), Some(2));
        assert_eq!(found(5), Some(0), "it ended");
        assert_eq!(found(10), None);
        assert!(!tokens.any(at(10)));
    }

    #[test]
    fn an_entra_token_speaks_for_whatever_no_signature_is_there() {
        let mut tokens = Tokens::default();
        let bearer = Credential::Bearer(Secret::new("x"));
        tokens.put(Token { credential: bearer.clone(), ..token("https://iothubs.azure.net/.default", 9) });
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(tokens.covering(&["messages", "devicebound"], now).unwrap().credential, bearer);
    }

    #[test]
    fn a_token_for_the_same_replaces_and_too_many_are_refused() {
        let mut tokens = Tokens::default();
        for index in 0..MAXIMUM_TOKENS {
            assert!(tokens.put(token(&format!("h/devices/{index}"), 9)));
        }
        assert!(tokens.put(token("h/devices/7", 20)));
        assert!(!tokens.put(token("h/devices/one-more", 9)));
    }
}
