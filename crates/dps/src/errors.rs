//! The catalogue of this service's errors: numbers and names are the service's, the default texts are ours except where
//! a recording shows the service's own.
//!
//! Confirmed numbers: 401002, 404201, 404202, 409201, 409202 (recorded, or reported by users). The others of the two
//! hundreds are counted from the order of the names in the shared enumeration of the IoT Hub 2021-04-12 specification,
//! in which the confirmed ones fall into place; see docs/quirks.md.

use iolite_kernel::{ErrorCode, ServiceError};

/// The request cannot be read or says something the service does not take.
pub const BAD_REQUEST: ErrorCode = ErrorCode { status: 400, number: 400_000, name: "GenericBadRequest" };
/// A member of the body, a header or a parameter has a value that is not allowed.
pub const ARGUMENT_INVALID: ErrorCode = ErrorCode { status: 400, number: 400_004, name: "ArgumentInvalid" };
/// The body is not JSON of the expected form.
pub const DESERIALIZATION: ErrorCode = ErrorCode { status: 400, number: 400_012, name: "DeserializationError" };
/// The endorsement key is no base64.
pub const INVALID_ENDORSEMENT_KEY: ErrorCode =
    ErrorCode { status: 400, number: 400_201, name: "InvalidEndorsementKey" };
/// The registration id breaks the rules, or is another one in the body than in the path.
pub const INVALID_REGISTRATION_ID: ErrorCode =
    ErrorCode { status: 400, number: 400_202, name: "InvalidRegistrationId" };
/// The enrolment group id breaks the rules, or is another one in the body than in the path.
pub const INVALID_ENROLLMENT_GROUP_ID: ErrorCode =
    ErrorCode { status: 400, number: 400_204, name: "InvalidEnrollmentGroupId" };
/// A bulk operation has more than ten items.
pub const TOO_MANY_ENROLLMENTS: ErrorCode = ErrorCode { status: 400, number: 400_205, name: "TooManyEnrollments" };
/// A bulk operation names one enrolment twice.
pub const DEFINED_MULTIPLE_TIMES: ErrorCode =
    ErrorCode { status: 400, number: 400_206, name: "RegistrationIdDefinedMultipleTimes" };
/// The webhook of a custom allocation failed; here: custom allocation is not supported.
pub const CUSTOM_ALLOCATION_FAILED: ErrorCode =
    ErrorCode { status: 400, number: 400_207, name: "CustomAllocationFailed" };
/// There is no such enrolment.
pub const ENROLLMENT_NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_201, name: "EnrollmentNotFound" };
/// There is no registration under this id.
pub const REGISTRATION_NOT_FOUND: ErrorCode =
    ErrorCode { status: 404, number: 404_202, name: "DeviceRegistrationNotFound" };
/// There is no such registration operation (any more).
pub const OPERATION_NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_203, name: "AsyncOperationNotFound" };
/// There is no such enrolment group.
pub const ENROLLMENT_GROUP_NOT_FOUND: ErrorCode =
    ErrorCode { status: 404, number: 404_204, name: "EnrollmentGroupNotFound" };
/// No linked hub fits the enrolment.
pub const LINKED_HUB_NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_210, name: "LinkedHubNotFound" };
/// The provisioning service is gone.
pub const SERVICE_NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_000, name: "GenericNotFound" };
/// The enrolment is there already.
pub const ENROLLMENT_CONFLICT: ErrorCode = ErrorCode { status: 409, number: 409_201, name: "EnrollmentConflict" };
/// The enrolment group is there already.
pub const ENROLLMENT_GROUP_CONFLICT: ErrorCode =
    ErrorCode { status: 409, number: 409_202, name: "EnrollmentGroupConflict" };
/// The entity tag is not the current one.
pub const PRECONDITION_FAILED: ErrorCode = ErrorCode { status: 412, number: 412_001, name: "PreconditionFailed" };
/// The body is of another media type than JSON.
pub const UNSUPPORTED_MEDIA_TYPE: ErrorCode =
    ErrorCode { status: 415, number: 415_000, name: "GenericUnsupportedMediaType" };
/// The registrant is not the one that the path names.
pub const UNAUTHORIZED: ErrorCode = ErrorCode { status: 401, number: 401_002, name: "IotHubUnauthorizedAccess" };
/// Something that the service has and this emulator does not.
pub const NOT_SUPPORTED: ErrorCode = ErrorCode { status: 501, number: 404_013, name: "FeatureNotSupported" };

/// Every entry, for the tests that hold the catalogue together.
pub const ALL: &[&ErrorCode] = &[
    &BAD_REQUEST,
    &ARGUMENT_INVALID,
    &DESERIALIZATION,
    &INVALID_ENDORSEMENT_KEY,
    &INVALID_REGISTRATION_ID,
    &INVALID_ENROLLMENT_GROUP_ID,
    &TOO_MANY_ENROLLMENTS,
    &DEFINED_MULTIPLE_TIMES,
    &CUSTOM_ALLOCATION_FAILED,
    &ENROLLMENT_NOT_FOUND,
    &REGISTRATION_NOT_FOUND,
    &OPERATION_NOT_FOUND,
    &ENROLLMENT_GROUP_NOT_FOUND,
    &LINKED_HUB_NOT_FOUND,
    &SERVICE_NOT_FOUND,
    &ENROLLMENT_CONFLICT,
    &ENROLLMENT_GROUP_CONFLICT,
    &PRECONDITION_FAILED,
    &UNSUPPORTED_MEDIA_TYPE,
    &UNAUTHORIZED,
    &NOT_SUPPORTED,
];

/// A 400 about the value of `member`.
pub(crate) fn invalid(member: &str, why: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, format!("{member} {why}"))
}

/// A refusal of something that the service has and this emulator does not.
pub(crate) fn unsupported(what: &str) -> ServiceError {
    ServiceError::new(&NOT_SUPPORTED, format!("{what} is not supported by this emulator."))
}

/// The enrolment is not there.
pub(crate) fn enrollment_not_found() -> ServiceError {
    ServiceError::new(&ENROLLMENT_NOT_FOUND, "Enrollment not found.")
}

/// The enrolment group is not there.
pub(crate) fn enrollment_group_not_found() -> ServiceError {
    ServiceError::new(&ENROLLMENT_GROUP_NOT_FOUND, "EnrollmentGroup not found.")
}

/// The registration is not there.
pub(crate) fn registration_not_found() -> ServiceError {
    ServiceError::new(&REGISTRATION_NOT_FOUND, "Registration not found.")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_number_begins_with_its_status_and_stands_once() {
        let numbers: BTreeSet<u32> = ALL.iter().map(|code| code.number).collect();
        assert_eq!(numbers.len(), ALL.len());
        for code in ALL.iter().filter(|code| **code != &NOT_SUPPORTED) {
            assert_eq!(code.number / 1000, u32::from(code.status), "{}", code.name);
        }
    }
}
