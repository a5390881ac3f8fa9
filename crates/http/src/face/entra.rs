//! How the Entra issuer says no: OAuth's error object with an AADSTS code.

use iolite_kernel::{Answer, ServiceError, iso_seconds};
use serde_json::json;

use super::{Circumstances, Face};
use crate::Refusal;

/// The issuer's face, and that of the managed-identity endpoints.
pub struct EntraFace;

impl Face for EntraFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let mut answer = match &error.body {
            Some(body) => Answer::json_text(error.code.status, body.clone()),
            None => oauth(error.code.status, error.code.name, error.code.number, &error.message, at),
        };
        answer.headers.extend(error.headers.iter().cloned());
        answer
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        match refusal {
            Refusal::UnknownPath | Refusal::UnknownResource => {
                oauth(404, "invalid_request", 900_144, "There is no such endpoint.", at)
            }
            Refusal::MalformedPath => oauth(400, "invalid_request", 900_144, "The path is not valid UTF-8 text.", at),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                oauth(405, "invalid_request", 900_561, "The endpoint does not take this method.", at)
                    .with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } | Refusal::ApiVersionUnknown { .. } => {
                oauth(400, "invalid_request", 900_144, "The api-version is missing or unknown.", at)
            }
            Refusal::Denied(_) => oauth(401, "invalid_client", 7_000_215, "The caller is not allowed.", at),
            Refusal::NotSupported { why, .. } => oauth(501, "unsupported_grant_type", 70_003, why, at),
            Refusal::BodyTooLarge { .. } => oauth(413, "invalid_request", 90_014, "The body is too large.", at),
            Refusal::BodyUnreadable => oauth(400, "invalid_request", 90_014, "The body could not be read.", at),
        }
    }
}

fn oauth(status: u16, error: &str, number: u32, text: &str, at: Circumstances<'_>) -> Answer {
    let when = iso_seconds(at.now).replace('T', " ");
    let description = format!("AADSTS{number}: {text} Trace ID: {} Correlation ID: {} Timestamp: {when}", at.id, at.id);
    Answer::json(
        status,
        &json!({
            "error": error,
            "error_description": description,
            "error_codes": [number],
            "timestamp": when,
            "trace_id": at.id.to_string(),
            "correlation_id": at.id.to_string(),
            "error_uri": format!("{}/error?code={number}", at.origin),
        }),
    )
}
