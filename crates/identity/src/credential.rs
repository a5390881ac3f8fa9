//! What a caller showed, before anyone believed it.

use std::sync::Arc;

use iolite_kernel::Secret;

use crate::known::{Known, KnownSignature, Memory};
use crate::token::Verified;

/// A credential as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credential {
    /// None.
    #[default]
    None,
    /// `SharedAccessSignature …`, the whole text.
    SharedAccessSignature(Secret),
    /// `Bearer …`, the token alone.
    Bearer(Secret),
    /// An authorization that is neither; only its scheme is kept.
    Unknown {
        /// The word before the first space; empty where there is none that looks like a scheme: it could be a key.
        scheme: String,
    },
}

/// A client certificate whose private key the TLS handshake proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificates as sent, DER, the client's own first.
    pub chain: Vec<Vec<u8>>,
}

/// Everything a caller showed. A wire crate may keep one for as long as its connection shows the same: the door then
/// remembers in it what it found, and verifies that again each time.
#[derive(Debug, Clone, Default)]
pub struct Presented {
    /// The credential in the request.
    pub credential: Credential,
    /// The certificate of the connection.
    pub certificate: Option<Arc<ClientCertificate>>,
    known: Memory,
}

impl Presented {
    /// What was just shown, unknown as yet.
    #[must_use]
    pub fn new(credential: Credential, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { credential, certificate, known: Memory::default() }
    }

    pub(crate) fn known_signature(&self) -> Option<Arc<KnownSignature>> {
        self.known.signature()
    }

    pub(crate) fn known_token(&self) -> Option<Arc<Verified>> {
        self.known.token()
    }

    pub(crate) fn remember(&self, known: Known) {
        self.known.set(known);
    }
}

/// Longer credentials are refused unread: Azure's own tokens stay well below.
pub const MAXIMUM_CREDENTIAL_BYTES: usize = 16 * 1024;

impl Credential {
    /// Reads an `Authorization` value. Schemes compare without case, as every service here does.
    #[must_use]
    pub fn from_authorization(value: Option<&str>) -> Self {
        let Some(text) = value.map(str::trim).filter(|text| !text.is_empty()) else { return Self::None };
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            Self::Bearer(Secret::new(rest.trim()))
        } else if scheme.eq_ignore_ascii_case("sharedaccesssignature") {
            Self::SharedAccessSignature(Secret::new(text))
        } else {
            let scheme = if rest.is_empty() || !is_scheme(scheme) { "" } else { scheme };
            Self::Unknown { scheme: scheme.to_owned() }
        }
    }
}

/// Whether a word reads like the name of a scheme (`Basic`, `AWS4-HMAC-SHA256`) and not like a key or a token, which must
/// not be kept. Who forgets the scheme sends a secret as the first word.
fn is_scheme(word: &str) -> bool {
    word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_tells_what_it_is() {
        assert_eq!(Credential::from_authorization(Some("bearer a.b.c")), Credential::Bearer(Secret::new("a.b.c")));
        let sas = "SharedAccessSignature sr=x&sig=y&se=1";
        assert_eq!(Credential::from_authorization(Some(sas)), Credential::SharedAccessSignature(Secret::new(sas)));
        assert_eq!(
            Credential::from_authorization(Some("Basic eDp5")),
            Credential::Unknown { scheme: "Basic".to_owned() }
        );
        assert_eq!(Credential::from_authorization(None), Credential::None);
    }

    #[test]
    fn a_secret_without_its_scheme_is_not_kept() {
        let secrets = [
            "DCLvOt8LGIsZ/xtcJGX5scOj14wQUk6+zx4fBeg3V2M=",
            "c2VjcmV0",
            "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "DCLvOt8LGIsZ/xtcJGX5scOj14wQUk6+zx4fBeg3V2M= trailing",
        ];
        for secret in secrets {
            let found = Credential::from_authorization(Some(secret));
            assert_eq!(found, Credential::Unknown { scheme: String::new() }, "{secret}");
        }
    }
}
