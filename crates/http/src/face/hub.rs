//! How IoT Hub says no: Form A, the body of most answers, and Form B, that of the gateway which carries direct methods and
//! commands. Sources: recorded traffic of 2020 and 2021, the troubleshooting page's list of codes, and traces of refused
//! direct methods (azure-docs#14123, azure-iot-sdk-c#2362).

use http::header::{HeaderValue, SERVER, VARY};
use iolite_access::{Decision, DenialCause};
use iolite_identity::{Caller, Reason};
use iolite_kernel::{Answer, ErrorCode, ServiceError, Uuid, iso_offset_seven_digits, month_first_seconds};
use serde::Serialize;

use super::{BUSY, Circumstances, Face, REQUEST_ID};
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
const DEVICE_DISABLED: ErrorCode = ErrorCode { status: 403, number: 403_012, name: "DeviceDisabled" };

/// What every recorded answer carries beside its request id.
const VARIES_BY: HeaderValue = HeaderValue::from_static("Origin");
const SERVED_BY: HeaderValue = HeaderValue::from_static("Microsoft-HTTPAPI/2.0");

impl Face for HubFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        refused(error.code, &error.message, at).with_headers_of(error)
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        match refusal {
            Refusal::UnknownPath => refused(&NOT_FOUND, "There is no such resource at this path.", at),
            Refusal::MalformedPath => refused(&BAD_PATH, "The path is not valid UTF-8 text.", at),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                refused(&METHOD_NOT_ALLOWED, "The path does not take this method.", at)
                    .with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => {
                refused(&INVALID_PROTOCOL_VERSION, "The api-version query parameter is missing.", at)
            }
            Refusal::ApiVersionUnknown { given, .. } => {
                refused(&INVALID_PROTOCOL_VERSION, &format!("The api-version '{given}' is not supported."), at)
            }
            Refusal::Denied(decision) => denied(decision, at),
            Refusal::NotSupported { why, .. } => refused(&NOT_SUPPORTED, why, at),
            Refusal::BodyTooLarge { limit } => {
                refused(&TOO_LARGE, &format!("The body is larger than {limit} bytes."), at)
            }
            Refusal::BodyUnreadable => refused(&BAD_REQUEST, "The body could not be read to its end.", at),
            Refusal::NoRoom { retry_after_seconds } => {
                refused(&SERVER_BUSY, BUSY, at).with_header("retry-after", retry_after_seconds.to_string())
            }
            Refusal::UnknownResource => refused(&HUB_NOT_FOUND, "The hub does not exist.", at),
        }
    }

    fn adorn(&self, answer: &mut Answer, _: Uuid, text: &HeaderValue) {
        answer.headers.insert(REQUEST_ID, text.clone());
        answer.headers.insert(VARY, VARIES_BY);
        answer.headers.insert(SERVER, SERVED_BY);
    }
}

/// A missing role is 401 as well, and names the principal, the method and the path.
fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    match (decision.denial().map(|denial| &denial.cause), decision.caller.as_deref()) {
        (
            Some(DenialCause::RoleMissing { .. } | DenialCause::DeniedByAssignment { .. }),
            Some(Caller::Principal(principal)),
        ) => refused(
            &UNAUTHORIZED,
            &format!(
                "Principal {} is not authorized for {} on {} due to no assigned permissions",
                principal.name, at.method, at.path
            ),
            at,
        ),
        (Some(DenialCause::NotAuthenticated(rejection)), _) if rejection.reason == Reason::DeviceDisabled => {
            refused(&DEVICE_DISABLED, "The device is disabled.", at)
        }
        _ => refused(&UNAUTHORIZED_ACCESS, "Unauthorized", at),
    }
}

/// A refusal in the form of whoever answers at this path.
fn refused(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Answer {
    if is_of_the_gateway(at.path) { form_b(code, text, at) } else { form_a(code, text, at) }
}

/// Whether the gateway answers at `path`: direct methods, and commands, which are direct methods too.
fn is_of_the_gateway(path: &str) -> bool {
    let segments: Vec<String> = path.split('/').skip(1).map(str::to_ascii_lowercase).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    matches!(
        segments[..],
        ["twins", _, "methods"]
            | ["twins", _, "modules", _, "methods"]
            | ["digitaltwins", _, "commands", _]
            | ["digitaltwins", _, "components", _, "commands", _]
    )
}

/// The body of Form B: `message` is the JSON text of a [`GatewayMessage`].
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FormB {
    message: String,
    exception_message: &'static str,
}

/// What the gateway says, in the order of the traces.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayMessage<'a> {
    error_code: u32,
    tracking_id: String,
    message: &'a str,
    timestamp_utc: String,
    info: Option<()>,
}

fn form_b(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Answer {
    let now = iso_offset_seven_digits(at.now);
    let message = GatewayMessage {
        error_code: code.number,
        tracking_id: format!("{:X}-G2:-TimeStamp:{now}", at.id.simple()),
        message: text,
        timestamp_utc: now,
        info: None,
    };
    // Numbers and text: they can be written as JSON.
    let message = serde_json::to_string(&message).unwrap_or_default();
    Answer::json(code.status, &FormB { message, exception_message: "" }).with_header("iothub-errorcode", code.name)
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
    fn the_gateway_wraps_what_it_says_of_a_method_or_a_command_in_json_text() {
        for path in ["/twins/dev1/methods", "/twins/dev1/modules/mod1/METHODS", "/digitaltwins/dev1/commands/reboot"] {
            let at = Circumstances { path, ..circumstances() };
            let error = HubFace.error(&ServiceError::new(&DEVICE_NOT_ONLINE, "x"), at);
            let refusal = HubFace.refusal(&Refusal::BodyTooLarge { limit: 1 }, at);
            for (answer, number, name) in [(error, 404_103, "DeviceNotOnline"), (refusal, 413_001, "MessageTooLarge")] {
                let (outer, header) = said(&answer);
                assert_eq!((&outer["ExceptionMessage"], header), (&json!(""), Some(name)), "{path}");
                let inner: Value = serde_json::from_str(outer["Message"].as_str().unwrap()).unwrap();
                assert_eq!((&inner["errorCode"], &inner["info"]), (&json!(number), &Value::Null));
                let stamp = "2020-09-01T20:58:39.0000000+00:00";
                assert_eq!(inner["trackingId"], format!("{}-G2:-TimeStamp:{stamp}", "0".repeat(32)));
                assert_eq!(inner["timestampUtc"], stamp);
            }
        }
    }

    #[test]
    fn a_device_whose_name_is_methods_is_no_method() {
        for path in ["/devices/methods", "/twins/methods", "/twins/dev1/modules/methods", "/digitaltwins/commands"] {
            assert!(!is_of_the_gateway(path), "{path}");
        }
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
