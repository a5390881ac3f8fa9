//! How the Device Provisioning Service says no: a number, a tracking id and a text.

use iolite_access::Decision;
use iolite_identity::Reason;
use iolite_kernel::{Answer, ServiceError, iso_shortest};
use serde_json::json;

use super::{Circumstances, Face};
use crate::Refusal;

/// The provisioning service's face.
pub struct DpsFace;

impl Face for DpsFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let mut answer = body(error.code.status, error.code.number, &error.message, at);
        answer.headers.extend(error.headers.iter().cloned());
        answer
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        match refusal {
            Refusal::UnknownPath => body(404, 404_000, "There is no such resource at this path.", at),
            Refusal::MalformedPath => body(400, 400_004, "The path is not valid UTF-8 text.", at),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                body(405, 405_000, "The path does not take this method.", at).with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => body(400, 400_001, "The api-version query parameter is missing.", at),
            Refusal::ApiVersionUnknown { given, .. } => {
                body(400, 400_001, &format!("The api-version '{given}' is not supported."), at)
            }
            Refusal::Denied(decision) => denied(decision, at),
            Refusal::NotSupported { why, .. } => body(501, 501_000, why, at),
            Refusal::BodyTooLarge { limit } => {
                body(413, 413_000, &format!("The body is larger than {limit} bytes."), at)
            }
            Refusal::BodyUnreadable => body(400, 400_000, "The body could not be read to its end.", at),
            Refusal::UnknownResource => body(404, 404_000, "The provisioning service does not exist.", at),
        }
    }
}

fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    let unknown = decision.denial().is_some_and(|denial| {
        matches!(&denial.cause, iolite_access::DenialCause::NotAuthenticated(rejection) if rejection.reason == Reason::NoEnrollment)
    });
    if unknown { body(404, 404_201, "Enrollment not found.", at) } else { body(401, 401_002, "Unauthorized", at) }
}

fn body(status: u16, number: u32, message: &str, at: Circumstances<'_>) -> Answer {
    Answer::json(
        status,
        &json!({
            "errorCode": number,
            "trackingId": at.id.to_string(),
            "message": message,
            "timestampUtc": iso_shortest(at.now),
        }),
    )
    .with_header("x-ms-error-code", number.to_string())
}
