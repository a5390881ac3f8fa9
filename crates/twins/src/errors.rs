//! The catalogue of Digital Twins' errors, and the refusals that more than one operation makes.
//!
//! Codes, statuses and the short fixed phrases that clients match on are the service's, taken from the operation
//! descriptions of the data-plane specification and, where those differ, from recorded traffic (`ModelIdAlreadyExists`
//! for the specification's `ModelAlreadyExists`). The explanations around them are ours.

use iolite_kernel::{ErrorCode, ServiceError};
use serde_json::{Map, Value, json};

const fn code(status: u16, name: &'static str) -> ErrorCode {
    ErrorCode { status, number: 0, name }
}

/// The request makes no sense to the service.
pub const BAD_REQUEST: ErrorCode = code(400, "BadRequest");
/// A parameter, a header or the body is not what it has to be.
pub const INVALID_ARGUMENT: ErrorCode = code(400, "InvalidArgument");
/// A model is no valid DTDL.
pub const DTDL_PARSER_ERROR: ErrorCode = code(400, "DTDLParserError");
/// A model is written in a version of DTDL that the service does not read.
pub const MODEL_VERSION_NOT_SUPPORTED: ErrorCode = code(400, "ModelVersionNotSupported");
/// More was sent, or would be kept, than the service allows.
pub const LIMIT_EXCEEDED: ErrorCode = code(400, "LimitExceeded");
/// A JSON Patch cannot be applied.
pub const JSON_PATCH_INVALID: ErrorCode = code(400, "JsonPatchInvalid");
/// A JSON Patch is no list of operations; answered in the shape of ASP.NET's problem details.
pub const VALIDATION_PROBLEM: ErrorCode = code(400, "ValidationProblem");
/// A twin does not conform to its model.
pub const VALIDATION_FAILED: ErrorCode = code(400, "ValidationFailed");
/// A new twin names a decommissioned model.
pub const MODEL_DECOMMISSIONED: ErrorCode = code(400, "ModelDecommissioned");
/// The instance holds as many twins as it may.
pub const TWIN_LIMIT_REACHED: ErrorCode = code(400, "TwinLimitReached");
/// There is no such model.
pub const MODEL_NOT_FOUND: ErrorCode = code(404, "ModelNotFound");
/// There is no such twin.
pub const DIGITAL_TWIN_NOT_FOUND: ErrorCode = code(404, "DigitalTwinNotFound");
/// The instance is gone.
pub const INSTANCE_NOT_FOUND: ErrorCode = code(404, "ResourceNotFound");
/// A model with this id is there already.
pub const MODEL_ID_ALREADY_EXISTS: ErrorCode = code(409, "ModelIdAlreadyExists");
/// Another model needs this one.
pub const MODEL_REFERENCES_NOT_DELETED: ErrorCode = code(409, "ModelReferencesNotDeleted");
/// The precondition of the request does not hold.
pub const PRECONDITION_FAILED: ErrorCode = code(412, "PreconditionFailed");
/// A twin's body is larger than the service reads.
pub const PAYLOAD_TOO_LARGE: ErrorCode = code(413, "PayloadTooLarge");
/// The body is of a media type that the operation does not read.
pub const UNSUPPORTED_MEDIA_TYPE: ErrorCode = code(415, "UnsupportedMediaType");

/// Every entry of the catalogue.
pub const ALL: &[&ErrorCode] = &[
    &BAD_REQUEST,
    &INVALID_ARGUMENT,
    &DTDL_PARSER_ERROR,
    &MODEL_VERSION_NOT_SUPPORTED,
    &LIMIT_EXCEEDED,
    &JSON_PATCH_INVALID,
    &VALIDATION_PROBLEM,
    &VALIDATION_FAILED,
    &MODEL_DECOMMISSIONED,
    &TWIN_LIMIT_REACHED,
    &MODEL_NOT_FOUND,
    &DIGITAL_TWIN_NOT_FOUND,
    &INSTANCE_NOT_FOUND,
    &MODEL_ID_ALREADY_EXISTS,
    &MODEL_REFERENCES_NOT_DELETED,
    &PRECONDITION_FAILED,
    &PAYLOAD_TOO_LARGE,
    &UNSUPPORTED_MEDIA_TYPE,
];

/// The media type of the one refusal that is ASP.NET's own.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json; charset=utf-8";

/// No model has any of these ids.
pub(crate) fn model_not_found(ids: &[&str]) -> ServiceError {
    let text =
        format!("No model of this instance has the id {}. The list of models shows those there are.", ids.join(", "));
    ServiceError::new(&MODEL_NOT_FOUND, text)
}

/// A path or query names a model by a text that is no DTMI.
pub(crate) fn invalid_model_id(id: &str) -> ServiceError {
    let text = format!("The format of the Model ID {id} is not supported: expected dtmi:segment:segment;version.");
    ServiceError::new(&INVALID_ARGUMENT, text)
}

/// No twin has this id.
pub(crate) fn twin_not_found(id: &str) -> ServiceError {
    let text = format!("No digital twin of this instance has the ID {id}. It may be misspelt, or was deleted.");
    ServiceError::new(&DIGITAL_TWIN_NOT_FOUND, text)
}

/// A twin would not conform to its model, for each of these reasons.
pub(crate) fn validation_failed(reasons: &[String]) -> ServiceError {
    let message = "Invalid twin specified";
    let details: Vec<Value> =
        reasons.iter().map(|reason| json!({"code": VALIDATION_FAILED.name, "message": reason})).collect();
    let body = json!({"error": {"code": VALIDATION_FAILED.name, "message": message, "details": details}});
    ServiceError::new(&VALIDATION_FAILED, message).with_body(body.to_string())
}

/// The model that a twin names, or one that it needs, is not there.
pub(crate) fn model_missing(id: &str) -> ServiceError {
    validation_failed(&[format!("{id} or one of its dependencies does not exist.")])
}

/// A new twin names a decommissioned model.
pub(crate) fn model_decommissioned(id: &str) -> ServiceError {
    let text = format!("The model {id} is decommissioned: no twin can be made of it or moved to it.");
    ServiceError::new(&MODEL_DECOMMISSIONED, text)
}

/// A JSON Patch cannot be applied, for this reason.
pub(crate) fn json_patch_invalid(reason: &str) -> ServiceError {
    let text = format!("{reason}. The patch document was not applied.");
    ServiceError::new(&JSON_PATCH_INVALID, text)
}

/// A JSON Patch is no list of operations. The service leaves this answer to ASP.NET's model binding (recorded for
/// `["AverageTemperature"]`): problem details, which name each bad place.
pub(crate) fn patch_is_no_list_of_operations(places: &[(String, String)], trace: &str) -> ServiceError {
    let mut errors: Map<String, Value> = places.iter().map(|(place, text)| (place.clone(), json!([text]))).collect();
    errors.insert("jsonPatchDocument".to_owned(), json!(["The jsonPatchDocument field is required."]));
    let title = "One or more validation errors occurred.";
    let body = json!({
        "errors": errors,
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
        "title": title,
        "status": VALIDATION_PROBLEM.status,
        "detail": null,
        "instance": null,
        "extensions": {"traceId": trace},
    });
    ServiceError::new(&VALIDATION_PROBLEM, title)
        .with_header("content-type", PROBLEM_MEDIA_TYPE)
        .with_body(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_of_a_failed_validation_is_a_detail() {
        let error = validation_failed(&["a".to_owned(), "b".to_owned()]);
        let body: Value = serde_json::from_str(error.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["error"]["details"][1], json!({"code": "ValidationFailed", "message": "b"}));
    }

    #[test]
    fn no_two_entries_share_a_name() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|code| code.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
