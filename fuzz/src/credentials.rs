//! What an `Authorization` value is read as: shared access signatures with their resource, and compact tokens.

use iolite_identity::Credential;
use iolite_identity::sas::{ResourceUri, SasToken, sign};
use iolite_identity::token::Compact;
use iolite_kernel::Secret;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Reads the text as every credential.
pub fn try_on(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Credential::from_authorization(Some(text));
    if let Ok(token) = SasToken::parse(text) {
        look_at(&token);
    }
    if let Ok(token) = Compact::parse(text) {
        let _ = (token.check_algorithm(), token.kid());
    }
    let resource = ResourceUri::parse(text);
    let _ = (resource.is_event_hubs(), resource.host(), resource.segments().count());
}

fn look_at(token: &SasToken<'_>) {
    let key = Secret::new(KEY);
    let signed = token.is_signed_by(&key);
    assert!(!token.is_signed_by(&Secret::new("c29tZSBvdGhlciBrZXk=")) || !signed, "two keys signed one token");
    let resource = token.resource();
    let _ = resource.begins(&["devices"], 1);
    // What we sign ourselves for the same is read as the same.
    let own = sign(resource.as_str(), &key, token.expires_at(), token.policy());
    let again = SasToken::parse(&own).expect("a token of our own");
    assert!(again.is_signed_by(&key), "{own}");
    let facts = |token: &SasToken<'_>| (token.expires_at().as_second(), token.policy().map(str::to_owned));
    assert_eq!(facts(&again), facts(token));
}
