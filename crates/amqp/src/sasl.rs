//! What a client shows in SASL. Nothing is judged here; the mechanisms that show nothing leave it to `$cbs` or to the
//! certificate.

use iolite_kernel::Secret;

use crate::codec::SaslInit;

/// The mechanisms offered: CBS for Microsoft's native clients, user and token, nothing, and the certificate.
pub(crate) const MECHANISMS: [&str; 4] = ["MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL"];

/// The longest response that is read; a token is some hundred bytes, an Entra token some thousand.
const MAXIMUM_RESPONSE_BYTES: usize = 20 * 1024;

/// How SASL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SaslCode {
    /// Good.
    Ok = 0,
    /// The credential is not believed.
    Auth = 1,
    /// It could not be judged now.
    Temporary = 4,
}

/// What a client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing yet.
    Nothing,
    /// That its certificate speaks for it.
    Certificate,
    /// A user name and a password.
    Plain {
        /// The name: `{policy}@sas.root.{hub}`, `{device}@sas.{hub}` or `{idScope}/registrations/{id}`.
        user: String,
        /// The password: a shared access signature.
        password: Secret,
    },
}

impl Shown {
    /// Reads the client's choice; `None` where the mechanism is not offered or its response cannot be read.
    #[must_use]
    pub fn read(init: &SaslInit) -> Option<Self> {
        let response = init.initial_response.as_deref().unwrap_or_default();
        if response.len() > MAXIMUM_RESPONSE_BYTES {
            return None;
        }
        match &*init.mechanism.0 {
            // Microsoft's own clients send all sorts of things along; it means nothing.
            "MSSBCBS" | "ANONYMOUS" => Some(Self::Nothing),
            "EXTERNAL" => Some(Self::Certificate),
            "PLAIN" => plain(response),
            _ => None,
        }
    }
}

/// RFC 4616: an authorization identity that nobody uses, the user and the password, between zero bytes.
fn plain(response: &[u8]) -> Option<Shown> {
    let mut parts = std::str::from_utf8(response).ok()?.split('\0');
    let (_authorization, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || user.is_empty() {
        return None;
    }
    Some(Shown::Plain { user: user.to_owned(), password: Secret::new(password) })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn shown(mechanism: &str, response: impl Into<Bytes>) -> Option<Shown> {
        let init = SaslInit { mechanism: mechanism.into(), initial_response: Some(response.into()), hostname: None };
        Shown::read(&init)
    }

    #[test]
    fn plain_is_a_user_and_a_password() {
        let expected = Shown::Plain { user: "service@sas.root.hub".into(), password: Secret::new("token") };
        assert_eq!(shown("PLAIN", "\0service@sas.root.hub\0token"), Some(expected.clone()));
        assert_eq!(shown("PLAIN", "someone\0service@sas.root.hub\0token"), Some(expected));
    }

    #[test]
    fn what_is_no_plain_response_is_refused() {
        for response in ["", "\0", "\0user", "\0\0password", "\0a\0b\0c"] {
            assert_eq!(shown("PLAIN", response), None, "{response:?}");
        }
        assert_eq!(shown("PLAIN", vec![0, 0xff, 0, 1]), None);
        assert_eq!(shown("PLAIN", format!("\0user\0{}", "x".repeat(MAXIMUM_RESPONSE_BYTES))), None);
    }

    #[test]
    fn a_mechanism_that_is_not_offered_is_refused() {
        assert_eq!(shown("SCRAM-SHA-256", ""), None);
        assert_eq!(shown("ANONYMOUS", "\0svc"), Some(Shown::Nothing));
    }
}
