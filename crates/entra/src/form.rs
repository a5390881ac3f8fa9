//! The form in a token request's body. Read by the token and device-code operations; nothing is taken from the query.
//!
//! Source: RFC 6749, section 3.2 (parameters without a value are as if left out; none may be given twice) and appendix B.

use std::collections::BTreeMap;

use iolite_kernel::{MediaType, Request, ServiceError};

use crate::errors::{MALFORMED_REQUEST, MISSING_PARAMETER};

/// Longer bodies are refused unread; the longest that SDKs send, an assertion with a certificate chain, is below 16 KiB.
const LONGEST_BODY_BYTES: usize = 64 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters of one request, by name.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the body of `request`.
    pub(crate) fn read(request: &Request) -> Result<Self, ServiceError> {
        let media_type = MediaType::of(request.header("content-type").unwrap_or_default());
        if !media_type.is(FORM) && !request.body.is_empty() {
            return Err(malformed(format!("The body must be a form: send it with the content type {FORM}.")));
        }
        if request.body.len() > LONGEST_BODY_BYTES {
            return Err(malformed(format!("The body is longer than {LONGEST_BODY_BYTES} bytes.")));
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&request.body) {
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return Err(malformed("The body is not UTF-8.".to_owned()));
            }
            if value.is_empty() {
                continue;
            }
            let name = name.into_owned();
            if parameters.contains_key(&name) {
                let name: String = name.chars().take(64).collect();
                return Err(malformed(format!("The parameter '{name}' is given more than once.")));
            }
            parameters.insert(name, value.into_owned());
        }
        Ok(Self(parameters))
    }

    /// The parameter `name`, where it has a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter `name`, or the refusal that names it.
    pub(crate) fn required(&self, name: &str) -> Result<&str, ServiceError> {
        self.get(name).ok_or_else(|| missing(name))
    }
}

/// The refusal of a body without the parameter `name`.
pub(crate) fn missing(name: &str) -> ServiceError {
    ServiceError::new(&MISSING_PARAMETER, format!("The form in the request's body lacks the parameter '{name}'."))
}

/// The refusal of a request that cannot be read.
pub(crate) fn malformed(text: String) -> ServiceError {
    ServiceError::new(&MALFORMED_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::form_request;

    fn refusal(body: &str) -> u32 {
        Form::read(&form_request("/x", body)).err().unwrap().code.number
    }

    #[test]
    fn values_are_decoded_and_empty_ones_are_as_if_left_out() {
        let form = Form::read(&form_request("/x", "client_secret=a%2Bb+c&scope=")).unwrap();
        assert_eq!(form.get("client_secret"), Some("a+b c"));
        assert_eq!(form.get("scope"), None);
        assert_eq!(form.required("scope").unwrap_err().code.number, 900_144);
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert_eq!(refusal("client_id=a&client_id=a"), 9_002_313);
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(refusal("client_id=%ff"), 9_002_313);
    }

    #[test]
    fn a_body_that_is_too_long_is_refused_unread() {
        assert_eq!(refusal(&format!("a={}", "x".repeat(LONGEST_BODY_BYTES))), 9_002_313);
    }

    #[test]
    fn a_body_that_is_no_form_is_refused() {
        let mut request = form_request("/x", "{\"grant_type\":\"client_credentials\"}");
        request.headers.insert("content-type", "application/json".parse().unwrap());
        assert_eq!(Form::read(&request).err().unwrap().code.number, 9_002_313);
    }
}
