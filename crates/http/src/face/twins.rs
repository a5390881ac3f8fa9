//! How Azure Digital Twins says no: an error envelope of its own, a bare 401, and a 403 without a body.

use iolite_access::{Decision, DenialCause};
use iolite_kernel::{Answer, Body, Bytes, ServiceError};
use serde_json::json;

use super::{Circumstances, Face};
use crate::Refusal;

/// Digital Twins' face.
pub struct TwinsFace;

impl Face for TwinsFace {
    fn error(&self, error: &ServiceError, _: Circumstances<'_>) -> Answer {
        let mut answer = match &error.body {
            Some(body) => Answer::json_text(error.code.status, body.clone()),
            None => envelope(error.code.status, error.code.name, &error.message),
        };
        answer.headers.extend(error.headers.iter().cloned());
        answer
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
        }
    }
}

/// The recorded 401 has spaces inside its braces, 48 bytes in all.
fn denied(decision: &Decision) -> Answer {
    let unauthenticated =
        decision.denial().is_some_and(|denial| matches!(denial.cause, DenialCause::NotAuthenticated(_)));
    if !unauthenticated {
        return Answer::empty(403);
    }
    Answer {
        status: 401,
        headers: Vec::new(),
        body: Body::Other {
            content_type: "application/json",
            bytes: Bytes::from_static(br#"{ "statusCode": 401, "message": "Unauthorized" }"#),
        },
    }
}

fn envelope(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
