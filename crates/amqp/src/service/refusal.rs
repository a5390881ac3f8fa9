//! How the hub's refusals are spelt on AMQP: the condition by the error's number or status, its text, a tracking id.
//!
//! Conditions as the services' own clients map them back: azure-iot-amqp-base's `amqp_common_errors` and the C# client's
//! `AmqpErrorMapper`.

use iolite_kernel::{Ground, ServiceError, month_first_seconds};
use iolite_messaging::{CloseReason, SignInError};

use crate::codec::{AmqpError, Value, condition};

/// The header by which an error names the request that it answers, which is the id of its decision.
const REQUEST_ID: &str = "x-ms-request-id";

const ARGUMENT_ERROR: &str = "com.microsoft:argument-error";
const DEVICE_CONTAINER_THROTTLED: &str = "com.microsoft:device-container-throttled";
const IOT_HUB_SUSPENDED: &str = "com.microsoft:iot-hub-suspended";
const IOT_HUB_NOT_FOUND: &str = "com.microsoft:iot-hub-not-found-error";
const MESSAGE_LOCK_LOST: &str = "com.microsoft:message-lock-lost";
const PRECONDITION_FAILED: &str = "com.microsoft:precondition-failed";
const QUOTA_EXCEEDED: &str = "com.microsoft:quota-exceeded";
const DEVICE_ALREADY_EXISTS: &str = "com.microsoft:device-already-exists";
const TIMEOUT: &str = "com.microsoft:timeout";

/// The condition of a service's error.
pub(super) fn condition_of(error: &ServiceError) -> &'static str {
    match error.code.number {
        401_001 => IOT_HUB_NOT_FOUND,
        403_001 => IOT_HUB_SUSPENDED,
        403_002 | 403_003 => QUOTA_EXCEEDED,
        403_012 => condition::UNAUTHORIZED_ACCESS,
        409_001 => DEVICE_ALREADY_EXISTS,
        412_002 => MESSAGE_LOCK_LOST,
        _ => match error.code.status {
            400 => ARGUMENT_ERROR,
            401 => condition::UNAUTHORIZED_ACCESS,
            403 => condition::RESOURCE_LIMIT_EXCEEDED,
            404 => condition::NOT_FOUND,
            405 | 409 => condition::NOT_ALLOWED,
            412 => PRECONDITION_FAILED,
            413 => condition::MESSAGE_SIZE_EXCEEDED,
            429 => DEVICE_CONTAINER_THROTTLED,
            501 => condition::NOT_IMPLEMENTED,
            504 => TIMEOUT,
            _ => condition::INTERNAL_ERROR,
        },
    }
}

/// A service's error; where it names the request that it answers, the tracking id is that one's.
pub(super) fn of_service(error: &ServiceError, ground: &Ground) -> AmqpError {
    let tracking_id = match error.header(REQUEST_ID) {
        Some(request) => tracking_id_of(request, ground),
        None => tracking_id(ground),
    };
    with_tracking_id(condition_of(error), error.message.as_str(), tracking_id)
}

/// A door that stayed shut.
pub(super) fn of_sign_in(error: &SignInError, ground: &Ground) -> AmqpError {
    of_service(error.error(), ground)
}

/// The status that `$cbs` answers for a door that stayed shut.
pub(super) const fn status_of(error: &SignInError) -> i32 {
    match error {
        SignInError::Unauthorized(_) => 401,
        SignInError::NotFound(_) => 404,
        SignInError::Forbidden(_) => 403,
        SignInError::Malformed(_) => 400,
        SignInError::Unavailable(_) => 503,
    }
}

/// An error of our own with a tracking id.
pub(super) fn of(condition: &str, text: &str, ground: &Ground) -> AmqpError {
    with_tracking_id(condition, text, tracking_id(ground))
}

fn with_tracking_id(condition: &str, text: &str, tracking_id: String) -> AmqpError {
    AmqpError::new(condition, text).with("com.microsoft:tracking-id", Value::string(tracking_id))
}

/// `{32 hex digits}-G:0-TimeStamp:MM/dd/yyyy HH:mm:ss`, as in the hub's bodies.
pub(super) fn tracking_id(ground: &Ground) -> String {
    tracking_id_of(&ground.uuid().simple().to_string(), ground)
}

fn tracking_id_of(request: &str, ground: &Ground) -> String {
    format!("{request}-G:0-TimeStamp:{}", month_first_seconds(ground.now()))
}

/// Why the hub ended a session or a link.
pub(super) fn of_close(reason: CloseReason, ground: &Ground) -> AmqpError {
    let (condition, text) = match reason {
        CloseReason::TakenOver => (condition::STOLEN, "The identity connected anew (400027)."),
        CloseReason::Expired => (condition::UNAUTHORIZED_ACCESS, "The token has expired."),
        CloseReason::Revoked => (condition::UNAUTHORIZED_ACCESS, "What the link was granted on no longer holds."),
        CloseReason::TooSlow => (condition::RESOURCE_LIMIT_EXCEEDED, "The peer did not take what it was sent."),
        CloseReason::InjectedFault | CloseReason::InjectedCut => {
            (condition::CONNECTION_FORCED, "A fault was asked for (400029).")
        }
        CloseReason::InjectedSessionFault | CloseReason::InjectedLinkFault => {
            (condition::DETACH_FORCED, "A fault was asked for (400029).")
        }
        CloseReason::Shutdown => (condition::CONNECTION_FORCED, "The service is shutting down."),
    };
    of(condition, text, ground)
}

#[cfg(test)]
mod tests {
    use iolite_kernel::ErrorCode;

    use super::*;

    #[test]
    fn the_services_clients_find_their_errors_again() {
        for (number, expected) in [
            (401_002, "amqp:unauthorized-access"),
            (404_001, "amqp:not-found"),
            (403_004, "amqp:resource-limit-exceeded"),
            (403_002, "com.microsoft:quota-exceeded"),
            (412_002, "com.microsoft:message-lock-lost"),
            (413_001, "amqp:link:message-size-exceeded"),
            (429_001, "com.microsoft:device-container-throttled"),
            (400_004, "com.microsoft:argument-error"),
            (500_001, "amqp:internal-error"),
        ] {
            let status = u16::try_from(number / 1000).unwrap();
            let code: &'static ErrorCode = Box::leak(Box::new(ErrorCode { status, number, name: "X" }));
            assert_eq!(condition_of(&ServiceError::new(code, "")), expected, "{number}");
        }
    }

    #[test]
    fn an_error_carries_a_tracking_id() {
        let error = of("amqp:not-found", "no", &Ground::system());
        assert!(error.info.unwrap().text("com.microsoft:tracking-id").unwrap().contains("-TimeStamp:"));
    }

    #[test]
    fn the_tracking_id_is_the_decision_s_where_there_was_one() {
        const CODE: ErrorCode = ErrorCode { status: 401, number: 401_002, name: "IotHubUnauthorizedAccess" };
        let error = ServiceError::new(&CODE, "Unauthorized access.").with_header(REQUEST_ID, "5e81a8f4");
        let told = of_sign_in(&SignInError::Unauthorized(error), &Ground::system());
        assert!(told.info.unwrap().text("com.microsoft:tracking-id").unwrap().starts_with("5e81a8f4-G:0-TimeStamp:"));
    }
}
