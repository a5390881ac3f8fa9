//! A resource's etag: the revision of its record, as eight bytes in base64, the form that recorded answers have
//! (`AAAADGgmR34=`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{ErrorCode, Precondition, Request, ServiceError};

use crate::errors::INVALID_PRECONDITION;

/// The etag of a record written by the transaction `revision`.
pub(crate) fn etag(revision: u64) -> String {
    STANDARD.encode(revision.to_be_bytes())
}

/// What the request's `If-Match` asks.
pub(crate) fn if_match(request: &Request) -> Result<Precondition, ServiceError> {
    Precondition::parse(request.header("if-match")).map_err(|error| {
        ServiceError::new(&INVALID_PRECONDITION, format!("The If-Match header cannot be used: {error}."))
    })
}

/// Refuses with `code` where `condition` does not hold for a record of `revision`; `None` stands for one that is not there.
pub(crate) fn require(
    condition: &Precondition,
    revision: Option<u64>,
    code: &'static ErrorCode,
) -> Result<(), ServiceError> {
    let current = revision.map(etag);
    if condition.holds_for(current.as_deref()) {
        return Ok(());
    }
    let stands = current.map_or_else(|| "there is no such resource yet".to_owned(), |tag| format!("it is '{tag}' now"));
    Err(ServiceError::new(code, format!("The etag in If-Match is not the resource's: {stands}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::PRECONDITION_FAILED;

    #[test]
    fn an_etag_is_eight_bytes_in_base64() {
        assert_eq!(etag(0x0c_6826_477e), "AAAADGgmR34=");
    }

    #[test]
    fn only_the_etag_that_stands_holds() {
        let wanted = Precondition::Tag(etag(7));
        assert!(require(&wanted, Some(7), &PRECONDITION_FAILED).is_ok());
        assert_eq!(require(&wanted, Some(8), &PRECONDITION_FAILED).unwrap_err().code.status, 412);
        assert_eq!(require(&wanted, None, &PRECONDITION_FAILED).unwrap_err().code.status, 412);
        assert!(require(&Precondition::None, None, &PRECONDITION_FAILED).is_ok());
    }
}
