//! What an operation answers, before a wire crate gives it the protocol's shape.

use bytes::Bytes;
use serde::Serialize;

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
    /// Header fields beyond those the wire adds itself; names in lower case.
    pub headers: Vec<(&'static str, String)>,
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
            Ok(bytes) => Self { status, headers: Vec::new(), named: Vec::new(), body: Body::Json(bytes.into()) },
            Err(_) => Self { status: 500, headers: Vec::new(), named: Vec::new(), body: Body::Empty },
        }
    }

    /// `status` with JSON text that is ready made.
    #[must_use]
    pub fn json_text(status: u16, text: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), named: Vec::new(), body: Body::Json(text.into()) }
    }

    /// `status` without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), named: Vec::new(), body: Body::Empty }
    }

    /// 204 without a body.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::empty(204)
    }

    /// `status` with bytes of another media type.
    #[must_use]
    pub fn bytes(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { body: Body::Other { content_type, bytes: bytes.into() }, ..Self::empty(status) }
    }

    /// The same answer with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
