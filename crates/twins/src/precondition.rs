//! `If-Match` and `If-None-Match` as Digital Twins reads them; asked by the operations that change twins.
//!
//! Stricter than the kernel's reading: recorded traffic shows that a tag without quotes is refused here.

use iolite_kernel::{Precondition, Request, ServiceError, Uuid};

use crate::errors;

/// An `If-Match` header, kept as sent since the refusal quotes it.
#[derive(Debug)]
pub(crate) struct IfMatch {
    sent: String,
    wanted: Precondition,
}

impl IfMatch {
    /// Reads the header: nothing, `*`, or one quoted tag, weak or not.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        let sent = request.header("if-match").unwrap_or_default().trim().to_owned();
        let quoted = sent.strip_prefix("W/").unwrap_or(&sent);
        let well_formed =
            matches!(quoted, "" | "*") || (quoted.len() > 1 && quoted.starts_with('"') && quoted.ends_with('"'));
        let wanted = Precondition::parse(Some(&sent)).ok().filter(|_| well_formed).ok_or_else(|| {
            let text = "Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *";
            ServiceError::new(&errors::INVALID_ARGUMENT, text)
        })?;
        Ok(Self { sent, wanted })
    }

    /// Refuses to change a twin that has another tag.
    pub(crate) fn check(&self, current: Uuid) -> Result<(), ServiceError> {
        if self.wanted.holds_for(Some(&current.to_string())) {
            return Ok(());
        }
        let text = format!(
            "The provided etag {} doesn't match the current one: the twin was changed since. Get it again for its etag.",
            self.sent
        );
        Err(ServiceError::new(&errors::PRECONDITION_FAILED, text))
    }
}

/// Whether the request asks that nothing be there yet (`If-None-Match: *`). No other value is allowed.
pub(crate) fn wants_nothing_there(request: &Request) -> Result<bool, ServiceError> {
    match request.header("if-none-match").map(str::trim) {
        None | Some("") => Ok(false),
        Some("*") => Ok(true),
        Some(_) => {
            let text = "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *";
            Err(ServiceError::new(&errors::INVALID_ARGUMENT, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request_with;

    fn read(value: &str) -> Result<IfMatch, ServiceError> {
        IfMatch::read(&request_with("", "if-match", value))
    }

    #[test]
    fn the_current_tag_and_the_star_are_let_through() {
        let current = Uuid::from_u128(7);
        for value in [format!("W/\"{current}\""), format!("\"{current}\""), "*".to_owned(), String::new()] {
            assert!(read(&value).unwrap().check(current).is_ok(), "{value}");
        }
    }

    #[test]
    fn another_tag_is_refused_and_quoted_as_sent() {
        let error = read("W/\"stale\"").unwrap().check(Uuid::from_u128(7)).unwrap_err();
        assert_eq!(error.code.name, "PreconditionFailed");
        assert!(error.message.contains("W/\"stale\""));
    }

    #[test]
    fn a_tag_without_quotes_is_no_tag() {
        for value in ["etag-value", "W/x", "\"a\", \"b\"", "\""] {
            assert_eq!(read(value).unwrap_err().code.name, "InvalidArgument", "{value}");
        }
    }

    #[test]
    fn only_the_star_may_stand_in_if_none_match() {
        assert!(wants_nothing_there(&request_with("", "if-none-match", "*")).unwrap());
        assert!(!wants_nothing_there(&request_with("", "if-none-match", "")).unwrap());
        let error = wants_nothing_there(&request_with("", "if-none-match", "W/\"x\"")).unwrap_err();
        assert_eq!(error.code.name, "InvalidArgument");
    }
}
