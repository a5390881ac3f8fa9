//! How Azure Digital Twins says no: an error envelope of its own, a bare 401, and a 403 without a body.
//!
//! Sources: recorded traffic of 2020 to 2023. An error that brings its own body (details of a failed validation, ASP.NET's
//! problem details) is passed on as it is; a `content-type` among its headers takes the place of the usual one.

use http::{HeaderName, HeaderValue};
use iolite_access::{Decision, DenialCause};
use iolite_identity::Reason;
use iolite_kernel::{Answer, Bytes, ServiceError, Uuid};
use serde_json::json;

use super::{BUSY, Circumstances, Face};
use crate::Refusal;

/// Digital Twins' face.
pub struct TwinsFace;

impl Face for TwinsFace {
    fn error(&self, error: &ServiceError, _: Circumstances<'_>) -> Answer {
        let answer = match &error.body {
            Some(body) => Answer::json_text(error.code.status, body.clone()),
            None => envelope(error.code.status, error.code.name, &error.message),
        };
        answer.with_headers_of(error)
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        match refusal {
            Refusal::UnknownPath | Refusal::UnknownResource => Answer::empty(404),
            Refusal::MalformedPath => envelope(400, "BadRequest", "The path is not valid UTF-8 text."),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                Answer::empty(405).with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => {
                envelope(400, "MissingArgument", "The api-version query parameter is missing.")
            }
            Refusal::ApiVersionUnknown { given, .. } => {
                envelope(400, "InvalidArgument", &format!("The api-version '{given}' is not supported."))
            }
            Refusal::Denied(decision) => denied(decision),
            Refusal::NotSupported { why, .. } => envelope(501, "NotSupported", why),
            Refusal::BodyTooLarge { limit } => {
                envelope(413, "LimitExceeded", &format!("The body of {} is larger than {limit} bytes.", at.path))
            }
            Refusal::BodyUnreadable => envelope(400, "BadRequest", "The body could not be read to its end."),
            Refusal::NoRoom { retry_after_seconds } => {
                envelope(503, "ServiceUnavailable", BUSY).with_header("retry-after", retry_after_seconds.to_string())
            }
        }
    }

    /// Recorded answers carry a correlation id and a W3C trace context of the service's own. Strict-Transport-Security,
    /// which they carry too, is left out: it would bind a browser's `localhost` for a month.
    fn adorn(&self, answer: &mut Answer, id: Uuid, text: &HeaderValue) {
        answer.headers.insert(HeaderName::from_static("mise-correlation-id"), text.clone());
        let trace = id.simple().to_string();
        if let Ok(trace) = HeaderValue::try_from(format!("00-{trace}-{}-01", &trace[..16])) {
            answer.headers.insert(HeaderName::from_static("traceresponse"), trace);
        }
    }
}

/// The recorded 401 has spaces inside its braces, 48 bytes in all. Who comes from a network that is not let in is forbidden,
/// whatever was shown.
fn denied(decision: &Decision) -> Answer {
    let unauthenticated = decision.denial().is_some_and(|denial| match &denial.cause {
        DenialCause::NotAuthenticated(rejection) => {
            !matches!(rejection.reason, Reason::PublicAccessDisabled | Reason::AddressNotAllowed)
        }
        _ => false,
    });
    if !unauthenticated {
        return Answer::empty(403);
    }
    let body = Bytes::from_static(br#"{ "statusCode": 401, "message": "Unauthorized" }"#);
    Answer::bytes(401, "application/json", body)
}

fn envelope(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}

#[cfg(test)]
mod tests {
    use iolite_access::{CredentialKind, Denial, Outcome};
    use iolite_identity::{Checks, Rejection};
    use iolite_kernel::{
        ApiVersions, Body, Client, ErrorCode, Method, Need, Operation, Scope, Service, Support, Timestamp, Uuid,
    };
    use serde_json::Value;

    use super::*;

    static OPERATION: Operation = Operation {
        service: Service::Twins,
        name: "DigitalTwins_GetById",
        method: Method::Get,
        path: "/digitaltwins/{id}",
        versions: ApiVersions::AnyDate,
        need: Need::SignedIn,
        support: Support::Served,
        summary: "Gets a twin.",
    };

    const CODE: ErrorCode = ErrorCode { status: 400, number: 0, name: "ValidationFailed" };

    fn at() -> Circumstances<'static> {
        let id = Uuid::from_u128(0x0a);
        Circumstances {
            id,
            now: Timestamp::UNIX_EPOCH,
            method: "GET",
            path: "/digitaltwins/x",
            origin: "https://localhost",
        }
    }

    fn refusal(cause: DenialCause) -> Answer {
        let decision = Decision {
            id: at().id,
            at: at().now,
            operation: &OPERATION,
            resource: Scope::root(),
            target: at().path.into(),
            origin: at().origin.into(),
            client: Client { address: None, agent: "".into() },
            credential: CredentialKind::None,
            checks: Checks::default(),
            caller: None,
            outcome: Outcome::Denied(Denial { cause, scopes: Vec::new(), evaluations: Vec::new() }.into()),
            notes: std::sync::OnceLock::new(),
        };
        TwinsFace.refusal(&Refusal::Denied(std::sync::Arc::new(decision)), at())
    }

    #[test]
    fn an_unknown_caller_gets_the_recorded_48_bytes() {
        let rejection = Rejection { reason: Reason::NoCredential, detail: String::new() };
        let answer = refusal(DenialCause::NotAuthenticated(rejection));
        let Body::Other { content_type, bytes } = answer.body else { panic!("no body") };
        assert_eq!((answer.status, content_type, bytes.len()), (401, "application/json", 48));
    }

    #[test]
    fn an_address_that_is_not_let_in_gets_an_empty_403() {
        let rejection = Rejection { reason: Reason::PublicAccessDisabled, detail: String::new() };
        let answer = refusal(DenialCause::NotAuthenticated(rejection));
        assert_eq!((answer.status, answer.body), (403, Body::Empty));
    }

    #[test]
    fn a_caller_without_the_role_gets_an_empty_403() {
        let answer = refusal(DenialCause::RoleMissing { action: "Microsoft.DigitalTwins/digitaltwins/read" });
        assert_eq!((answer.status, answer.body), (403, Body::Empty));
    }

    #[test]
    fn an_error_stands_in_an_envelope_unless_it_brings_its_own_body() {
        let plain = TwinsFace.error(&ServiceError::new(&CODE, "why"), at());
        let Body::Json(text) = plain.body else { panic!("no body") };
        let body: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(body, json!({"error": {"code": "ValidationFailed", "message": "why"}}));
        let own =
            ServiceError::new(&CODE, "why").with_body("{}").with_header("content-type", "application/problem+json");
        let own = TwinsFace.error(&own, at());
        assert_eq!(own.body, Body::Json(Bytes::from_static(b"{}")));
        assert_eq!((own.headers.len(), own.header("content-type")), (1, Some("application/problem+json")));
    }

    #[test]
    fn every_answer_carries_the_id_under_the_service_s_own_names() {
        let text = at().id.to_string();
        let mut answer = Answer::empty(204);
        TwinsFace.adorn(&mut answer, at().id, &HeaderValue::from_str(&text).unwrap());
        let trace = "00-0000000000000000000000000000000a-0000000000000000-01";
        assert_eq!(answer.header("mise-correlation-id"), Some(&*text));
        assert_eq!(answer.header("traceresponse"), Some(trace));
    }
}
