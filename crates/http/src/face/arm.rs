//! How Azure Resource Manager says no: the standard error envelope.

use iolite_access::{Decision, DenialCause};
use iolite_identity::Caller;
use iolite_kernel::{Answer, ServiceError};
use serde_json::json;

use super::{Circumstances, Face};
use crate::Refusal;

/// Resource Manager's face.
pub struct ArmFace;

impl Face for ArmFace {
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
            Refusal::UnknownPath | Refusal::UnknownResource => {
                envelope(404, "NotFound", &format!("There is no resource or operation at '{}'.", at.path))
            }
            Refusal::MalformedPath => envelope(400, "BadRequest", "The path is not valid UTF-8 text."),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                let text = format!("The path takes {}.", names.join(", "));
                envelope(405, "MethodNotAllowed", &text).with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => {
                envelope(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
            }
            Refusal::ApiVersionUnknown { given, .. } => {
                envelope(400, "InvalidApiVersionParameter", &format!("The api-version '{given}' is not a version."))
            }
            Refusal::Denied(decision) => denied(decision, at),
            Refusal::NotSupported { why, .. } => envelope(501, "NotSupported", why),
            Refusal::BodyTooLarge { limit } => {
                envelope(413, "RequestEntityTooLarge", &format!("The body is larger than {limit} bytes."))
            }
            Refusal::BodyUnreadable => envelope(400, "InvalidRequestContent", "The body could not be read to its end."),
        }
    }
}

fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    let action = decision.denial().and_then(|denial| match denial.cause {
        DenialCause::RoleMissing { action } | DenialCause::DeniedByAssignment { action, .. } => Some(action),
        _ => None,
    });
    match (decision.caller.as_deref(), action) {
        (Some(Caller::Principal(principal)), Some(action)) => envelope(
            403,
            "AuthorizationFailed",
            &format!(
                "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope '{}' or the scope is invalid.",
                principal.name, principal.object_id, decision.resource
            ),
        ),
        _ => envelope(401, "InvalidAuthenticationToken", "The access token is missing or was not accepted.")
            .with_header(
                "www-authenticate",
                format!("Bearer authorization_uri=\"{}\", error=\"invalid_token\"", at.origin),
            ),
    }
}

fn envelope(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
