//! The face of no service: what a request to the shared origin gets that no service would know.

use iolite_kernel::{Answer, ServiceError};
use serde_json::json;

use super::{Circumstances, Face};
use crate::Refusal;

/// Answers where there is no service to answer.
pub struct NobodyFace;

impl Face for NobodyFace {
    fn error(&self, error: &ServiceError, _: Circumstances<'_>) -> Answer {
        Answer::json(error.code.status, &json!({"error": {"code": error.code.name, "message": error.message}}))
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        let (status, code) = match refusal {
            Refusal::MalformedPath => (400, "MalformedPath"),
            Refusal::BodyTooLarge { .. } => (413, "BodyTooLarge"),
            Refusal::BodyUnreadable => (400, "BodyUnreadable"),
            Refusal::NoRoom { .. } => (503, "NoRoom"),
            Refusal::MethodNotAllowed { .. } => (405, "MethodNotAllowed"),
            Refusal::Denied(_) => (401, "Unauthorized"),
            Refusal::NotSupported { .. } => (501, "NotSupported"),
            Refusal::ApiVersionMissing { .. } | Refusal::ApiVersionUnknown { .. } => (400, "ApiVersion"),
            Refusal::UnknownPath | Refusal::UnknownResource => (404, "NoServiceHere"),
        };
        let message = format!(
            "No emulated service answers to {} {} at {}. The endpoints of this emulator are in its ready file; `iolite env` prints them.",
            at.method, at.path, at.origin
        );
        Answer::json(status, &json!({"error": {"code": code, "message": message}}))
    }
}
