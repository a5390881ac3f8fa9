//! A container and the right to use it, as one URI with a shared access signature, or beside it the token of an identity.
//!
//! The former is the form in which import and export jobs are given theirs. It is printed without its query: that is a
//! credential.

use std::fmt;

use http::Uri;
use http::uri::Scheme;
use iolite_kernel::Secret;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The longest URI that is read; the longest of Azure's has some 600 bytes.
const LONGEST: usize = 4096;

/// What a path segment of a URI cannot hold as it is. A slash within a blob's name stays: it makes folders.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Where blobs are, and the signature to reach them with.
#[derive(Clone, PartialEq, Eq)]
pub struct Container {
    uri: Uri,
    signature: Secret,
    /// The token of an identity, where no signature lets in.
    bearer: Option<Secret>,
}

/// A text that is no URI of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerError(&'static str);

impl fmt::Display for ContainerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for ContainerError {}

impl Container {
    /// Reads `https://{account}.blob.core.windows.net/{container}?{sas}` or `http://127.0.0.1:10000/{account}/{container}?{sas}`.
    pub fn parse(text: &str) -> Result<Self, ContainerError> {
        if text.len() > LONGEST {
            return Err(ContainerError("the container's URI is longer than 4096 bytes"));
        }
        let (place, signature) = text.split_once('?').unwrap_or((text, ""));
        if place.contains('#') || signature.contains('#') {
            return Err(ContainerError("the container's URI has a fragment"));
        }
        let is_visible = |byte: u8| byte.is_ascii_graphic();
        if !signature.bytes().all(is_visible) {
            return Err(ContainerError("the container's URI has a character that no URI has"));
        }
        let uri: Uri = place
            .trim_end_matches('/')
            .parse()
            .map_err(|_| ContainerError("the container's URI cannot be read as one"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(ContainerError("the container's URI is neither https nor http"));
        }
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@') || authority.host().is_empty()) {
            return Err(ContainerError("the container's URI has no plain host name"));
        }
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        if segments.is_empty() || segments.iter().any(|segment| segment.is_empty() || matches!(*segment, "." | "..")) {
            return Err(ContainerError("the container's URI names no container"));
        }
        Ok(Self { uri, signature: Secret::new(signature), bearer: None })
    }

    /// The same, to be used with the token of an identity.
    #[must_use]
    pub fn with_bearer(self, token: Secret) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// The token to show.
    pub(super) const fn bearer(&self) -> Option<&Secret> {
        self.bearer.as_ref()
    }

    /// The request target of the account that it is in.
    pub(super) fn account_target(&self, query: &str) -> String {
        let account = self.uri.path().rsplit_once('/').map_or("", |(account, _)| account);
        format!("{account}/?{query}")
    }

    /// The container's own name: the last segment of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    /// The URI without the signature.
    #[must_use]
    pub fn place(&self) -> String {
        self.uri.to_string()
    }

    /// The URI of a blob in it, without the signature.
    #[must_use]
    pub fn place_of(&self, blob: &str) -> String {
        format!("{}/{}", self.uri, utf8_percent_encode(blob, IN_PATH))
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", http::uri::Authority::as_str)
    }

    /// The request target of the container, or of `blob` in it, with `query` before the signature.
    pub(super) fn target(&self, blob: Option<&str>, query: &str) -> String {
        let mut target = self.uri.path().to_owned();
        if let Some(blob) = blob {
            target.push('/');
            target.extend(utf8_percent_encode(blob, IN_PATH));
        }
        for part in [query, self.signature.reveal()].into_iter().filter(|part| !part.is_empty()) {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(part);
        }
        target
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Container").field(&self.place()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_addresses_are_read() {
        let azure = Container::parse("https://contoso.blob.core.windows.net/exports?sv=1&sig=a%2Bb").unwrap();
        assert_eq!((azure.name(), azure.authority()), ("exports", "contoso.blob.core.windows.net"));
        assert_eq!(azure.target(Some("a b/devices.txt"), ""), "/exports/a%20b/devices.txt?sv=1&sig=a%2Bb");
        let azurite = Container::parse("http://127.0.0.1:10000/devstoreaccount1/exports/").unwrap();
        assert_eq!((azurite.name(), azurite.authority(), azurite.is_https()), ("exports", "127.0.0.1:10000", false));
        assert_eq!(azurite.target(None, "comp=list"), "/devstoreaccount1/exports?comp=list");
        assert_eq!(azurite.place_of("50%"), "http://127.0.0.1:10000/devstoreaccount1/exports/50%25");
    }

    #[test]
    fn what_is_no_container_is_refused() {
        for text in [
            "",
            "exports",
            "/exports",
            "ftp://host/exports",
            "https://host",
            "https://host/",
            "https://user:password@host/exports",
            "https:///exports",
            "https://host/a//b",
            "https://host/../b",
            "https://host/exports?sig=a b",
            "https://host/exports?sig=a\r\nx: y",
            "https://host/exports#a",
            &format!("https://host/{}", "a".repeat(5000)),
        ] {
            assert!(Container::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_does_not_show_its_signature() {
        let container = Container::parse("https://host/exports?sig=topsecret").unwrap();
        assert!(!format!("{container:?} {}", container.place()).contains("topsecret"));
    }
}
