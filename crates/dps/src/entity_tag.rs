//! Entity tags as this service makes and compares them: base64 of a quoted store tag, in the body only, and sent back
//! unquoted. Source: recordings of 2023 (api-version 2021-10-01).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{ErrorCode, Ground, Precondition, Request, ServiceError};

use crate::errors;

/// A new tag.
pub(crate) fn draw(ground: &Ground) -> String {
    STANDARD.encode(format!("\"{}\"", ground.uuid()))
}

/// What the `If-Match` header asks.
pub(crate) fn if_match(request: &Request) -> Result<Precondition, ServiceError> {
    parse(request.header("if-match"))
}

/// What a tag inside a bulk item asks.
pub(crate) fn parse(text: Option<&str>) -> Result<Precondition, ServiceError> {
    Precondition::parse(text).map_err(|error| {
        ServiceError::new(&errors::ARGUMENT_INVALID, "The entity tag is neither * nor one tag.").because(error)
    })
}

/// Whether a record may be written: without a precondition it must be new, else it must be there and be the one named.
///
/// That an enrolment can't be overwritten without its tag shows in the recorded bulk operation of mode `update`, whose
/// items carry none and all fail with a conflict.
pub(crate) fn admit_write(
    asked: &Precondition,
    current: Option<&str>,
    conflict: (&'static ErrorCode, &str),
    missing: impl FnOnce() -> ServiceError,
) -> Result<(), ServiceError> {
    match (asked, current) {
        (Precondition::None, Some(_)) => Err(ServiceError::new(conflict.0, conflict.1)),
        (Precondition::None, None) => Ok(()),
        (_, None) => Err(missing()),
        (_, Some(_)) => admit_delete(asked, current, missing),
    }
}

/// Whether a record may be deleted: it must be there, and be the one named if one is named.
pub(crate) fn admit_delete(
    asked: &Precondition,
    current: Option<&str>,
    missing: impl FnOnce() -> ServiceError,
) -> Result<(), ServiceError> {
    match current {
        None => Err(missing()),
        Some(_) if asked.holds_for(current) => Ok(()),
        Some(_) => Err(ServiceError::new(&errors::PRECONDITION_FAILED, "Precondition failed.")),
    }
}
