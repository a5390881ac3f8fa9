//! Reads request bodies as the service does, and refuses what it cannot read; used by every operation with a body.
//!
//! It never looks at what the JSON means.

use iolite_kernel::{MediaType, Request, ServiceError};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::errors;

/// The body of a twin's PUT and PATCH, in bytes (32 KB; the service's published limit).
pub(crate) const LARGEST_TWIN: usize = 32 * 1024;

/// The elements of a body that must be a JSON array, each as it was written.
pub(crate) fn array_elements(request: &Request) -> Result<Vec<Box<RawValue>>, ServiceError> {
    check_present(request)?;
    serde_json::from_slice(&request.body).map_err(|error| match error.classify() {
        Category::Data => models_empty_or_unsupported(),
        _ => ServiceError::new(&errors::BAD_REQUEST, format!("The request body is not valid JSON: {error}.")),
    })
}

/// The members of a body that must be a JSON object.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, ServiceError> {
    check_present(request)?;
    check_size(request)?;
    serde_json::from_slice(&request.body)
        .map_err(|error| ServiceError::new(&errors::INVALID_ARGUMENT, "Payload is invalid.").because(error))
}

/// The refusal of an upload that holds no model: `[]`, and anything that is no array.
pub(crate) fn models_empty_or_unsupported() -> ServiceError {
    let text = "The models provided were empty or of a type that is not supported: expected a JSON array with at least \
                one model.";
    ServiceError::new(&errors::INVALID_ARGUMENT, text)
}

/// Refuses an empty body and one that says it is no JSON. A missing `Content-Type` is let pass.
pub(crate) fn check_present(request: &Request) -> Result<(), ServiceError> {
    if request.body.is_empty() {
        return Err(ServiceError::new(&errors::BAD_REQUEST, "A non-empty request body is required."));
    }
    match request.header("content-type") {
        Some(given) if !is_accepted(MediaType::of(given)) => {
            let text = format!("The content type '{given}' is not supported: expected JSON.");
            Err(ServiceError::new(&errors::UNSUPPORTED_MEDIA_TYPE, text))
        }
        _ => Ok(()),
    }
}

/// Refuses a body that is larger than a twin may be.
pub(crate) fn check_size(request: &Request) -> Result<(), ServiceError> {
    if request.body.len() <= LARGEST_TWIN {
        return Ok(());
    }
    let text = format!("The body has {} bytes, more than the {LARGEST_TWIN} that a twin may have.", request.body.len());
    Err(ServiceError::new(&errors::PAYLOAD_TOO_LARGE, text))
}

/// `application/json`, `text/json` and every `+json` type, `application/json-patch+json` among them.
fn is_accepted(media_type: MediaType<'_>) -> bool {
    media_type.is_json() || media_type.is_empty()
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Bytes;

    use super::*;
    use crate::testing::request;

    #[test]
    fn an_empty_body_is_asked_for() {
        let error = object(&request("")).unwrap_err();
        assert_eq!((error.code.name, error.code.status), ("BadRequest", 400));
    }

    #[test]
    fn a_twin_that_is_no_object_is_an_invalid_payload() {
        let deep = "[".repeat(100_000);
        for body in ["[{}]", "null", "{", "{\"a\":1e999}", "\u{feff}{}", deep.as_str()] {
            let code = object(&request(body)).map(|_| ()).map_err(|error| error.code.name);
            let expected = if body.len() > LARGEST_TWIN { "PayloadTooLarge" } else { "InvalidArgument" };
            assert_eq!(code, Err(expected), "{body:.20}");
        }
        assert!(object(&request("{\"a\":1}")).is_ok());
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_refused() {
        let mut broken = request("{}");
        broken.body = Bytes::from_static(b"{\"a\":\"\xff\"}");
        assert_eq!(object(&broken).unwrap_err().code.name, "InvalidArgument");
        broken.body = Bytes::from_static(b"[\"\xff\"]");
        assert_eq!(array_elements(&broken).unwrap_err().code.name, "BadRequest");
    }

    #[test]
    fn models_that_are_no_array_are_told_from_text_that_is_no_json() {
        assert_eq!(array_elements(&request("{}")).unwrap_err().code.name, "InvalidArgument");
        assert_eq!(array_elements(&request("[{]")).unwrap_err().code.name, "BadRequest");
        assert_eq!(array_elements(&request("[{},1]")).unwrap().len(), 2);
    }

    #[test]
    fn a_body_that_says_it_is_xml_is_refused() {
        let mut other = request("{}");
        other.headers.insert("content-type", "application/xml".parse().unwrap());
        assert_eq!(object(&other).unwrap_err().code.status, 415);
        other.headers.insert("content-type", "application/json-patch+json; charset=utf-8".parse().unwrap());
        assert!(object(&other).is_ok());
    }
}
