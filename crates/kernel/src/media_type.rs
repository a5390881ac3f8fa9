//! Media types, as `Content-Type` and the properties that stand for it name them.
//!
//! Used by the services, each of which decides by itself which types it takes. Parameters are not looked at.

use std::fmt;

/// A media type without its parameters (RFC 9110, section 8.3.1): `application/json` of `application/json; charset=utf-8`.
/// It compares without case.
#[derive(Debug, Clone, Copy)]
pub struct MediaType<'a>(&'a str);

impl<'a> MediaType<'a> {
    /// The media type of a `Content-Type`.
    #[must_use]
    pub fn of(content_type: &'a str) -> Self {
        Self(content_type.split(';').next().unwrap_or_default().trim())
    }

    /// Whether it is `name`.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Whether none is named.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is written in JSON: `application/json`, `text/json`, or any type with the suffix `+json` (RFC 6839,
    /// section 3.1).
    #[must_use]
    pub fn is_json(self) -> bool {
        let suffix = self.0.rsplit_once('+').map(|(_, suffix)| suffix);
        self.is("application/json") || self.is("text/json") || suffix.is_some_and(|it| it.eq_ignore_ascii_case("json"))
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_spaces_and_case_make_no_other_type() {
        for text in ["application/json", " Application/JSON ;charset=utf-8", "application/json;"] {
            assert!(MediaType::of(text).is("application/json") && MediaType::of(text).is_json(), "{text}");
        }
        assert_eq!(MediaType::of(" text/Plain; a=b").to_string(), "text/Plain");
        assert!(MediaType::of(" ; charset=utf-8").is_empty());
    }

    #[test]
    fn a_suffix_makes_json_and_nothing_else_does() {
        for json in ["text/json", "application/json-patch+json", "application/x+JSON; v=1"] {
            assert!(MediaType::of(json).is_json(), "{json}");
        }
        for other in ["", "application/jsonp", "application/xml", "text/plain; x=+json", "application/json+xml"] {
            assert!(!MediaType::of(other).is_json(), "{other}");
        }
    }
}
