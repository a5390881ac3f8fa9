//! How IoT Hub says no: Form A, the newer of its two error bodies for most answers, and Form B for those that the gateway
//! gives. Sources: recorded traffic of 2021, and the troubleshooting page's list of codes.

use iolite_access::{Decision, DenialCause};
use iolite_identity::Caller;
use iolite_kernel::{Answer, ErrorCode, ServiceError, month_first_seconds};
use serde::Serialize;

use super::{BUSY, Circumstances, Face};
use crate::Refusal;

/// IoT Hub's face.
pub struct HubFace;

const NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_000, name: "GenericNotFound" };
const BAD_PATH: ErrorCode = ErrorCode { status: 400, number: 400_004, name: "ArgumentInvalid" };
const METHOD_NOT_ALLOWED: ErrorCode = ErrorCode { status: 405, number: 405_000, name: "GenericMethodNotAllowed" };
const INVALID_PROTOCOL_VERSION: ErrorCode = ErrorCode { status: 400, number: 400_001, name: "InvalidProtocolVersion" };
const UNAUTHORIZED_ACCESS: ErrorCode = ErrorCode { status: 401, number: 401_002, name: "IotHubUnauthorizedAccess" };
const UNAUTHORIZED: ErrorCode = ErrorCode { status: 401, number: 401_003, name: "IotHubUnauthorized" };
const HUB_NOT_FOUND: ErrorCode = ErrorCode { status: 401, number: 401_001, name: "IotHubNotFound" };
const NOT_SUPPORTED: ErrorCode = ErrorCode { status: 501, number: 404_013, name: "FeatureNotSupported" };
const TOO_LARGE: ErrorCode = ErrorCode { status: 413, number: 413_001, name: "MessageTooLarge" };
const SERVER_BUSY: ErrorCode = ErrorCode { status: 503, number: 503_005, name: "ServerBusy" };
const BAD_REQUEST: ErrorCode = ErrorCode { status: 400, number: 400_000, name: "GenericBadRequest" };

impl Face for HubFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let answer = match &error.body {
            Some(body) => {
                Answer::json_text(error.code.status, body.clone()).with_header("iothub-errorcode", error.code.name)
            }
            None => form_a(error.code, &error.message, at),
        };
        answer.with_headers_of(error)
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        match refusal {
            Refusal::UnknownPath => form_a(&NOT_FOUND, "There is no such resource at this path.", at),
            Refusal::MalformedPath => form_a(&BAD_PATH, "The path is not valid UTF-8 text.", at),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                form_a(&METHOD_NOT_ALLOWED, "The path does not take this method.", at)
                    .with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => {
                form_a(&INVALID_PROTOCOL_VERSION, "The api-version query parameter is missing.", at)
            }
            Refusal::ApiVersionUnknown { given, .. } => {
                form_a(&INVALID_PROTOCOL_VERSION, &format!("The api-version '{given}' is not supported."), at)
            }
            Refusal::Denied(decision) => denied(decision, at),
            Refusal::NotSupported { why, .. } => form_a(&NOT_SUPPORTED, why, at),
            Refusal::BodyTooLarge { limit } => {
                form_a(&TOO_LARGE, &format!("The body is larger than {limit} bytes."), at)
            }
            Refusal::BodyUnreadable => form_a(&BAD_REQUEST, "The body could not be read to its end.", at),
            Refusal::NoRoom { retry_after_seconds } => {
                form_a(&SERVER_BUSY, BUSY, at).with_header("retry-after", retry_after_seconds.to_string())
            }
            Refusal::UnknownResource => form_a(&HUB_NOT_FOUND, "The hub does not exist.", at),
        }
    }
}

/// A missing role is 401 as well, and names the principal, the method and the path.
fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    let missing_role = decision.denial().is_some_and(|denial| {
        matches!(denial.cause, DenialCause::RoleMissing { .. } | DenialCause::DeniedByAssignment { .. })
    });
    match decision.caller.as_deref() {
        Some(Caller::Principal(principal)) if missing_role => form_a(
            &UNAUTHORIZED,
            &format!(
                "Principal {} is not authorized for {} on {} due to no assigned permissions",
                principal.name, at.method, at.path
            ),
            at,
        ),
        _ => form_a(&UNAUTHORIZED_ACCESS, "Unauthorized", at),
    }
}

/// The body of Form A, in the recorded order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FormA {
    message: String,
    exception_message: String,
}

fn form_a(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Answer {
    let gateway = if is_of_the_store(code, text) { "" } else { "-G:0" };
    let body = FormA {
        message: format!("ErrorCode:{};{text}", code.name),
        exception_message: format!("Tracking ID:{}{gateway}-TimeStamp:{}", at.id.simple(), month_first_seconds(at.now)),
    };
    Answer::json(code.status, &body).with_header("iothub-errorcode", code.name)
}

/// Whether the refusal is one that the registry's store gives itself: those name no gateway in their tracking id. Recorded
/// are an unknown device and a twin's etag that has moved on; an identity's etag is the gateway's to refuse.
fn is_of_the_store(code: &ErrorCode, text: &str) -> bool {
    matches!(code.name, "DeviceNotFound" | "ModuleNotFound") || (code.status == 412 && text != code.name)
}

#[cfg(test)]
mod tests {
    use iolite_kernel::{Body, Timestamp, Uuid};
    use serde_json::{Value, json};

    use super::*;

    const DEVICE_NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 404_001, name: "DeviceNotFound" };
    const PRECONDITION_FAILED: ErrorCode = ErrorCode { status: 412, number: 412_001, name: "PreconditionFailed" };
    const DEVICE_NOT_ONLINE: ErrorCode = ErrorCode { status: 404, number: 404_103, name: "DeviceNotOnline" };

    fn circumstances() -> Circumstances<'static> {
        Circumstances {
            id: Uuid::nil(),
            now: "2020-09-01T20:58:39Z".parse::<Timestamp>().unwrap(),
            method: "GET",
            path: "/devices/dev1",
            origin: "https://localhost:8443",
        }
    }

    fn said(answer: &Answer) -> (Value, Option<&str>) {
        let Body::Json(bytes) = &answer.body else { panic!("{answer:?} has no JSON body") };
        (serde_json::from_slice(bytes).unwrap(), answer.header("iothub-errorcode"))
    }

    #[test]
    fn the_store_s_own_refusals_name_no_gateway() {
        let mismatch = "ETag mismatch for device ID 'dev1'";
        for (code, text) in [(&DEVICE_NOT_FOUND, "dev1"), (&PRECONDITION_FAILED, mismatch)] {
            let answer = HubFace.error(&ServiceError::new(code, text), circumstances());
            let (body, header) = said(&answer);
            assert_eq!((answer.status, header), (code.status, Some(code.name)));
            assert_eq!(body["Message"], format!("ErrorCode:{};{text}", code.name));
            let tracking = "Tracking ID:00000000000000000000000000000000-TimeStamp:09/01/2020 20:58:39";
            assert_eq!(body["ExceptionMessage"], tracking);
        }
    }

    #[test]
    fn other_refusals_name_the_gateway() {
        let answer = HubFace.error(&ServiceError::new(&PRECONDITION_FAILED, "PreconditionFailed"), circumstances());
        let (body, _) = said(&answer);
        assert!(body["ExceptionMessage"].as_str().unwrap().contains("-G:0-TimeStamp:"));
    }

    #[test]
    fn the_gateway_s_own_body_goes_out_as_it_is() {
        let error = ServiceError::new(&DEVICE_NOT_ONLINE, "x").with_body(r#"{"Message":"{}","ExceptionMessage":""}"#);
        let answer = HubFace.error(&error, circumstances());
        let (body, header) = said(&answer);
        assert_eq!((&body["ExceptionMessage"], header), (&json!(""), Some("DeviceNotOnline")));
    }

    #[test]
    fn every_refusal_of_the_house_has_the_service_s_shape_and_a_code() {
        for (refusal, status) in [
            (Refusal::UnknownPath, 404),
            (Refusal::MalformedPath, 400),
            (Refusal::MethodNotAllowed { allowed: vec![iolite_kernel::Method::Get] }, 405),
            (Refusal::BodyTooLarge { limit: 1 }, 413),
            (Refusal::BodyUnreadable, 400),
            (Refusal::NoRoom { retry_after_seconds: 5 }, 503),
            (Refusal::UnknownResource, 401),
        ] {
            let answer = HubFace.refusal(&refusal, circumstances());
            let (body, header) = said(&answer);
            assert_eq!(answer.status, status, "{refusal:?}");
            assert!(body["Message"].as_str().unwrap().starts_with(&format!("ErrorCode:{};", header.unwrap())));
        }
    }
}
