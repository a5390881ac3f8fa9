//! Entity tags and the preconditions that name them.

use std::fmt;

/// The text inside an entity tag's quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(pub String);

impl EntityTag {
    /// The tag in quotes, as an `ETag` header carries it.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// What an `If-Match` or `If-None-Match` header asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// No header, or an empty one (one SDK sends `If-Match: ""`).
    None,
    /// `*`: whatever is there.
    Any,
    /// This tag, quotes and weakness stripped.
    Tag(String),
}

/// A header that is neither `*` nor one entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreconditionError(pub String);

impl fmt::Display for PreconditionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is neither * nor one entity tag", self.0)
    }
}

impl std::error::Error for PreconditionError {}

impl Precondition {
    /// Reads a header's value. Quotes may be left out, as the SDKs of DPS do.
    pub fn parse(header: Option<&str>) -> Result<Self, PreconditionError> {
        let text = header.unwrap_or_default().trim();
        let strong = text.strip_prefix("W/").unwrap_or(text);
        let bare = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(strong);
        match bare {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            _ if bare.contains(['"', ',']) || !bare.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(PreconditionError(text.to_owned()))
            }
            _ => Ok(Self::Tag(bare.to_owned())),
        }
    }

    /// Whether a thing whose tag is `current` may be changed; `None` stands for a thing that is not there.
    #[must_use]
    pub fn holds_for(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (Self::None, _) | (Self::Any, Some(_)) => true,
            (Self::Tag(wanted), Some(current)) => wanted == current,
            (Self::Any | Self::Tag(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_weakness_do_not_matter() {
        for text in ["\"abc=\"", "abc=", "W/\"abc=\""] {
            assert_eq!(Precondition::parse(Some(text)), Ok(Precondition::Tag("abc=".to_owned())), "{text}");
        }
    }

    #[test]
    fn an_empty_header_asks_nothing() {
        assert_eq!(Precondition::parse(Some("\"\"")), Ok(Precondition::None));
        assert_eq!(Precondition::parse(None), Ok(Precondition::None));
    }

    #[test]
    fn a_list_of_tags_is_refused() {
        assert!(Precondition::parse(Some("\"a\", \"b\"")).is_err());
    }

    #[test]
    fn any_needs_something_to_be_there() {
        assert!(Precondition::Any.holds_for(Some("x")));
        assert!(!Precondition::Any.holds_for(None));
        assert!(!Precondition::Tag("x".into()).holds_for(Some("y")));
    }
}
