//! How each service says no, and what it adds to every answer.
//!
//! A face turns a [`ServiceError`] or a [`Refusal`] into the service's own status, headers and body. It decides nothing,
//! and the cause of an error never passes through it.

mod arm;
mod dps;
mod entra;
mod hub;
mod nobody;
mod twins;

pub use arm::ArmFace;
pub use dps::DpsFace;
pub use entra::EntraFace;
pub use hub::HubFace;
pub use nobody::NobodyFace;
pub use twins::TwinsFace;

use http::{HeaderName, HeaderValue};
use iolite_kernel::{Answer, ServiceError, Timestamp, Uuid};

use crate::Refusal;

/// What is said where there is no room for a body; the services' own sentences are not known.
const BUSY: &str = "The service is busy with the bodies of other requests. Try again later.";

/// What a face may quote.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The request id, which is the decision's id too.
    pub id: Uuid,
    /// Now, on the world's clock.
    pub now: Timestamp,
    /// The method as sent.
    pub method: &'a str,
    /// The path as sent, without the query.
    pub path: &'a str,
    /// The origin the caller dialled.
    pub origin: &'a str,
}

/// One service's way of saying no.
pub trait Face: Send + Sync {
    /// An operation's own refusal.
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer;

    /// A refusal by the house.
    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer;

    /// Adds what the service adds to every answer, such as its request-id header; `text` is the id as a header has it.
    fn adorn(&self, answer: &mut Answer, id: Uuid, text: &HeaderValue) {
        let _ = id;
        answer.headers.insert(REQUEST_ID, text.clone());
    }
}

/// The header of the request id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_says_when_a_body_that_found_no_room_may_come_again() {
        let at = Circumstances {
            id: Uuid::nil(),
            now: Timestamp::UNIX_EPOCH,
            method: "POST",
            path: "/",
            origin: "https://localhost:8443",
        };
        let faces: [&dyn Face; 5] = [&HubFace, &DpsFace, &TwinsFace, &ArmFace, &EntraFace];
        for face in faces {
            let answer = face.refusal(&Refusal::NoRoom { retry_after_seconds: 7 }, at);
            assert_eq!(answer.status, 503);
            assert!(answer.header("retry-after") == Some("7"), "{answer:?}");
        }
    }
}
