//! What an operation answers, before a wire crate gives it the protocol's shape.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::ServiceError;

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// No body at all.
    #[default]
    Empty,
    /// JSON text.
    Json(Bytes),
    /// Anything else, with its media type.
    Other {
        /// The media type.
        content_type: &'static str,
        /// The bytes.
        bytes: Bytes,
    },
}

/// A successful answer: a REST status class, headers and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; other protocols map it onto their own words.
    pub status: u16,
    /// Header fields beyond those the wire adds itself.
    pub headers: HeaderMap,
    /// Header fields whose names come from what was sent (`iothub-app-…`); one that is no header's name is left out.
    pub named: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl Answer {
    /// 200 with `value` as JSON.
    ///
    /// # Panics
    /// Never for the house's own types: they have string keys and finite numbers only.
    #[must_use]
    pub fn ok(value: &impl Serialize) -> Self {
        Self::json(200, value)
    }

    /// `status` with `value` as JSON; a value that cannot be written is a bug and answers 500 with an empty body.
    #[must_use]
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => Self::json_text(status, bytes),
            Err(_) => Self::empty(500),
        }
    }

    /// `status` with JSON text that is ready made.
    #[must_use]
    pub fn json_text(status: u16, text: impl Into<Bytes>) -> Self {
        Self { body: Body::Json(text.into()), ..Self::empty(status) }
    }

    /// `status` without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), named: Vec::new(), body: Body::Empty }
    }

    /// 204 without a body.
    #[must_use]
    pub fn no_content() -> Self {
        Self::empty(204)
    }

    /// `status` with bytes of another media type.
    #[must_use]
    pub fn bytes(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { body: Body::Other { content_type, bytes: bytes.into() }, ..Self::empty(status) }
    }

    /// The same answer with one more header field; its name in lower case. A value that cannot be one is left out, since it
    /// came from a caller.
    #[must_use]
    pub fn with_header(self, name: &'static str, value: impl Into<String>) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.into()) {
            return self.with_field(HeaderName::from_static(name), value);
        }
        tracing::warn!(name, "a header value that is no header value was left out");
        self
    }

    /// The same answer with one more header field, ready made.
    #[must_use]
    pub fn with_field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same answer with the header fields that go with `error`.
    #[must_use]
    pub fn with_headers_of(self, error: &ServiceError) -> Self {
        error.headers.iter().fold(self, |answer, (name, value)| answer.with_header(name, value.as_str()))
    }

    /// The header `name` (lower case), where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_with_a_line_break_is_left_out() {
        assert!(Answer::empty(200).with_header("etag", "a\r\nset-cookie: x").headers.is_empty());
        assert_eq!(Answer::empty(200).with_header("etag", "a").header("etag"), Some("a"));
    }
}
