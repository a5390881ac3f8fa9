//! How the Device Provisioning Service says no: a number, a tracking id and a text.
//!
//! Source of the shape: users' traces (ps-create-iot-solutions issue 1, azure-iot-sdk-csharp issue 898); of the header
//! `x-ms-error-code`: the 2021-10-01 specification. A missing role has no published trace: the hub's number and text
//! are taken, since both services are of one family (docs/quirks.md).

use iolite_access::{Decision, DenialCause};
use iolite_identity::{Caller, Reason};
use iolite_kernel::{Answer, ServiceError, iso_shortest};
use serde_json::json;

use super::{BUSY, Circumstances, Face};
use crate::Refusal;

/// The provisioning service's face.
pub struct DpsFace;

impl Face for DpsFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let answer = match &error.body {
            Some(text) => Answer::json_text(error.code.status, text.clone()),
            None => body(error.code.status, error.code.number, &error.message, at),
        };
        answer.with_headers_of(error)
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
            Refusal::NotSupported { why, .. } => body(501, 404_013, why, at),
            Refusal::BodyTooLarge { limit } => {
                body(413, 413_001, &format!("The body is larger than {limit} bytes."), at)
            }
            Refusal::BodyUnreadable => body(400, 400_000, "The body could not be read to its end.", at),
            Refusal::NoRoom { retry_after_seconds } => {
                body(503, 503_005, BUSY, at).with_header("retry-after", retry_after_seconds.to_string())
            }
            Refusal::UnknownResource => body(404, 404_000, "The provisioning service does not exist.", at),
        }
    }
}

/// An unknown registration id is not found; everything else is unauthorized, and only a missing role says more.
fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    let cause = decision.denial().map(|denial| &denial.cause);
    let unknown = matches!(
        cause,
        Some(DenialCause::NotAuthenticated(rejection)) if rejection.reason == Reason::NoEnrollment
    );
    if unknown {
        return body(404, 404_201, "Enrollment not found.", at);
    }
    let missing_role = matches!(cause, Some(DenialCause::RoleMissing { .. } | DenialCause::DeniedByAssignment { .. }));
    match decision.caller.as_deref() {
        Some(Caller::Principal(principal)) if missing_role => {
            let (name, method, path) = (&principal.name, at.method, at.path);
            let text = format!(
                "IotHubUnauthorized;Principal {name} is not authorized for {method} on {path} due to no assigned \
                 permissions"
            );
            body(401, 401_003, &text, at)
        }
        _ => body(401, 401_002, "IotHubUnauthorizedAccess", at),
    }
}

fn body(status: u16, number: u32, message: &str, at: Circumstances<'_>) -> Answer {
    Answer::json(
        status,
        &json!({
            "errorCode": number,
            "trackingId": at.id.to_string(),
            "message": message,
            "timestampUtc": iso_shortest(at.now),
            "info": {},
        }),
    )
    .with_header("x-ms-error-code", number.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use iolite_access::{CredentialKind, Denial, Outcome};
    use iolite_identity::{Checks, PrincipalCaller, Rejection};
    use iolite_kernel::{
        ApiVersions, Body, Client, ErrorCode, Method, Need, Operation, Scope, Service, Support, Timestamp, Uuid,
    };
    use serde_json::Value;

    use super::*;

    static OPERATION: Operation = Operation {
        service: Service::Dps,
        name: "IndividualEnrollment_Get",
        method: Method::Get,
        path: "/enrollments/{id}",
        versions: ApiVersions::AnyDate,
        need: Need::SignedIn,
        support: Support::Served,
        summary: "Reads an enrolment.",
    };

    const CODE: ErrorCode = ErrorCode { status: 409, number: 409_201, name: "EnrollmentConflict" };

    fn at() -> Circumstances<'static> {
        Circumstances {
            id: Uuid::from_u128(0x0a),
            now: Timestamp::UNIX_EPOCH,
            method: "GET",
            path: "/enrollments/dev-1",
            origin: "https://localhost:8443",
        }
    }

    fn refusal(cause: DenialCause, caller: Option<Caller>) -> Refusal {
        Refusal::Denied(Arc::new(Decision {
            id: at().id,
            at: at().now,
            operation: &OPERATION,
            resource: Scope::root(),
            target: at().path.into(),
            origin: at().origin.into(),
            client: Client { address: None, agent: "".into() },
            credential: CredentialKind::Bearer,
            checks: Checks::from(Vec::new()),
            caller: caller.map(Arc::new),
            outcome: Outcome::Denied(Denial { cause, scopes: Vec::new(), evaluations: Vec::new() }.into()),
            notes: OnceLock::new(),
        }))
    }

    fn read(answer: &Answer) -> (u16, Value) {
        match &answer.body {
            Body::Json(text) => (answer.status, serde_json::from_slice(text).unwrap()),
            other => panic!("{other:?} is not JSON"),
        }
    }

    #[test]
    fn an_error_has_the_documented_members_and_the_number_in_a_header() {
        let answer = DpsFace.error(&ServiceError::new(&CODE, "Enrollment already exists."), at());
        let (status, body) = read(&answer);
        assert_eq!(
            (status, &body["errorCode"], &body["message"]),
            (409, &json!(409_201), &json!("Enrollment already exists."))
        );
        assert_eq!(body["trackingId"], "00000000-0000-0000-0000-00000000000a");
        assert_eq!(body["timestampUtc"], "1970-01-01T00:00:00Z");
        assert!(answer.header("x-ms-error-code") == Some("409201"));
    }

    #[test]
    fn an_unknown_registration_is_not_found_and_a_wrong_key_is_unauthorized() {
        for (reason, expected) in [(Reason::NoEnrollment, (404, 404_201)), (Reason::BadSignature, (401, 401_002))] {
            let rejection = Rejection { reason, detail: "inside".to_owned() };
            let (status, body) = read(&DpsFace.refusal(&refusal(DenialCause::NotAuthenticated(rejection), None), at()));
            assert_eq!((status, &body["errorCode"]), (expected.0, &json!(expected.1)));
            assert!(!body.to_string().contains("inside"), "the reason stays in the decision log");
        }
    }

    #[test]
    fn a_missing_role_names_the_principal_the_method_and_the_path() {
        let caller = Caller::Principal(PrincipalCaller {
            object_id: "object-1".to_owned(),
            name: "reader-app".to_owned(),
            principal_kind: "servicePrincipal",
            client_id: None,
            groups: Vec::new(),
            expires_at: at().now,
        });
        let cause = DenialCause::RoleMissing { action: "Microsoft.Devices/provisioningServices/enrollments/read" };
        let (status, body) = read(&DpsFace.refusal(&refusal(cause, Some(caller)), at()));
        assert_eq!((status, &body["errorCode"]), (401, &json!(401_003)));
        let text = body["message"].as_str().unwrap();
        assert!(text.contains("Principal reader-app is not authorized for GET on /enrollments/dev-1"), "{text}");
    }
}
