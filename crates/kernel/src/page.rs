//! Continuation tokens: opaque to the caller, checked when they come back.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where a listing goes on: after the key `after`, in the listing that `listing` names.
///
/// A token of one listing is refused by another: `listing` holds whatever made it (operation, query text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The last key of the page before.
    pub after: String,
    fingerprint: u64,
}

/// A continuation token that this listing did not give out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageTokenError;

impl fmt::Display for PageTokenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the continuation token was not given out by this listing")
    }
}

impl std::error::Error for PageTokenError {}

impl PageToken {
    /// The token that goes on after `after` in `listing`.
    #[must_use]
    pub fn new(listing: &str, after: impl Into<String>) -> Self {
        Self { after: after.into(), fingerprint: fingerprint(listing) }
    }

    /// The text the caller gets.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{:016x}{}", self.fingerprint, self.after))
    }

    /// Reads a caller's token for `listing`.
    pub fn decode(listing: &str, text: &str) -> Result<Self, PageTokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PageTokenError)?;
        let plain = String::from_utf8(bytes).map_err(|_| PageTokenError)?;
        let (mark, after) = plain.split_at_checked(16).ok_or(PageTokenError)?;
        if u64::from_str_radix(mark, 16) != Ok(fingerprint(listing)) {
            return Err(PageTokenError);
        }
        Ok(Self::new(listing, after))
    }
}

/// FNV-1a: tells listings apart; it guards against mix-ups, not against forgery, which gains nothing here.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_whole() {
        let token = PageToken::new("devices", "dev-ä/1");
        assert_eq!(PageToken::decode("devices", &token.encode()), Ok(token));
    }

    #[test]
    fn a_token_of_another_listing_is_refused() {
        let token = PageToken::new("devices", "a").encode();
        assert_eq!(PageToken::decode("modules", &token), Err(PageTokenError));
        assert_eq!(PageToken::decode("devices", "%%%"), Err(PageTokenError));
        assert_eq!(PageToken::decode("devices", ""), Err(PageTokenError));
    }
}
