//! What a request shows of its sender: its `Authorization` and the connection's certificate.
//!
//! A connection keeps the last one, since a client shows the same each time: then it is read once, and the door verifies
//! again what it knows. It goes with the connection, and nobody else ever sees it.

use std::ops::Range;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use iolite_identity::{ClientCertificate, Credential, Presented};

/// What a request shows.
pub struct Shown {
    authorization: Option<Box<str>>,
    signed_host: Option<Range<usize>>,
    presented: Presented,
}

impl Shown {
    /// What `headers` and the connection's `certificate` show.
    #[must_use]
    pub fn read(headers: &HeaderMap, certificate: Option<Arc<ClientCertificate>>) -> Self {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let credential = Credential::from_authorization(authorization);
        let signed_host = match credential {
            Credential::SharedAccessSignature(_) => authorization.and_then(signed_host),
            _ => None,
        };
        let presented = Presented::new(credential, certificate);
        Self { authorization: authorization.map(Into::into), signed_host, presented }
    }

    /// Whether `headers` show the same, the connection being the same.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes) == self.authorization().map(str::as_bytes)
    }

    /// The `Authorization` value, where it is text.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The host of the resource that a shared access signature names, without its port; only peeked at.
    pub(crate) fn signed_host(&self) -> Option<&str> {
        self.authorization.as_deref()?.get(self.signed_host.clone()?)
    }

    /// The credential and the certificate.
    pub(crate) const fn presented(&self) -> &Presented {
        &self.presented
    }
}

/// Where in a shared access signature the host of its `sr` stands.
fn signed_host(text: &str) -> Option<Range<usize>> {
    let (before, resource) = text.split_once("sr=")?;
    let start = before.len() + "sr=".len();
    let length = resource.find(['%', '/', '&', ':']).unwrap_or(resource.len());
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(authorization: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_bytes(authorization).unwrap())])
    }

    #[test]
    fn what_is_shown_is_known_again_by_every_byte() {
        let shown = Shown::read(&headers(b"Bearer a.b.c"), None);
        assert!(shown.is_in(&headers(b"Bearer a.b.c")));
        for other in ["Bearer a.b.d", "Bearer a.b.", "bearer a.b.c", "Bearer a.b.c "] {
            assert!(!shown.is_in(&headers(other.as_bytes())), "{other:?}");
        }
        assert!(!shown.is_in(&HeaderMap::new()));
        assert!(Shown::read(&HeaderMap::new(), None).is_in(&HeaderMap::new()));
    }

    #[test]
    fn the_host_that_was_signed_for_is_read_up_to_its_port_or_path() {
        for (sr, host) in [("h.example", "h.example"), ("h%2Fdevices", "h"), ("h:8443/devices", "h"), ("", "")] {
            let text = format!("SharedAccessSignature sr={sr}&sig=x&se=1");
            assert_eq!(Shown::read(&headers(text.as_bytes()), None).signed_host(), Some(host));
        }
        assert_eq!(Shown::read(&headers(b"Bearer sr=h"), None).signed_host(), None);
        assert_eq!(Shown::read(&headers(b"SharedAccessSignature x"), None).signed_host(), None);
    }

    #[test]
    fn what_is_no_text_is_no_credential_and_is_read_each_time() {
        let shown = Shown::read(&headers(b"Bearer \xe9"), None);
        assert_eq!(shown.presented().credential, Credential::None);
        assert!(!shown.is_in(&headers(b"Bearer \xe9")));
    }
}
