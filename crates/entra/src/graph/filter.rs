//! `$filter`: one comparison for equality, the only kind that the CLI sends.
//!
//! Source: OData 4.01 URL conventions, sections 5.1.1.1.1 (eq) and 5.1.1.13 (any); a quote in a text is doubled.

use iolite_kernel::{Request, ServiceError};

use crate::errors::GRAPH_FILTER;

/// `field eq 'value'`, or `field/any(x:x eq 'value')`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Equality {
    pub(super) field: String,
    pub(super) value: String,
}

/// The request's `$filter`, where it has one.
pub(super) fn of(request: &Request) -> Result<Option<Equality>, ServiceError> {
    // Read as sent: OData reads a plus as a space, the wire's own reading keeps it.
    let filter = form_urlencoded::parse(request.query_text().as_bytes()).find(|(name, _)| name == "$filter");
    let Some((_, text)) = filter else { return Ok(None) };
    parse(text.trim()).map(Some).ok_or_else(|| {
        let text = "The $filter must be one comparison, such as userPrincipalName eq 'name' or \
                    servicePrincipalNames/any(c:c eq 'name').";
        ServiceError::new(&GRAPH_FILTER, text)
    })
}

fn parse(text: &str) -> Option<Equality> {
    let (field, value) = match text.split_once("/any(") {
        Some((field, rest)) => {
            let (variable, comparison) = rest.strip_suffix(')')?.split_once(':')?;
            let (left, value) = comparison.trim().split_once(" eq ")?;
            (left.trim() == variable.trim()).then_some((field, value))?
        }
        None => text.split_once(" eq ")?,
    };
    let field = field.trim();
    let quoted = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let is_name = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_text = !quoted.replace("''", "").contains('\'');
    (is_name && is_text).then(|| Equality { field: field.to_owned(), value: quoted.replace("''", "'") })
}

/// The refusal of a filter on a field that is not looked at.
pub(super) fn unknown_field(field: &str) -> ServiceError {
    let field: String = field.chars().take(64).collect();
    ServiceError::new(&GRAPH_FILTER, format!("Filtering by '{field}' is not emulated."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request;

    fn read(target: &str) -> Option<Equality> {
        of(&request(target)).unwrap()
    }

    fn equality(field: &str, value: &str) -> Equality {
        Equality { field: field.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn both_forms_that_the_cli_sends_are_read() {
        let any = "/x?$filter=servicePrincipalNames%2Fany%28c%3Ac+eq+%27a%27%27b%27%29";
        assert_eq!(read(any), Some(equality("servicePrincipalNames", "a'b")));
        let eq = "/x?api=1&%24filter=userPrincipalName%20eq%20'a%2Bb@c.d'";
        assert_eq!(read(eq), Some(equality("userPrincipalName", "a+b@c.d")));
        assert_eq!(read("/x"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["a", "a eq b", "a eq 'b' or c eq 'd'", "startswith(a,'b')", "a/any(c:d eq 'x')", "a eq 'b'c'", "'"]
        {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("$filter", bad).finish();
            assert!(of(&request(&format!("/x?{query}"))).is_err(), "{bad}");
        }
    }
}
