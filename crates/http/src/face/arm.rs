//! How Azure Resource Manager says no: the standard error envelope, and the bare body with a number that the IoT Hub and
//! DPS providers behind it have.
//!
//! Sources: recorded answers of the providers, and Resource Manager's own codes for tokens and missing roles.

use http::{HeaderName, HeaderValue};
use iolite_access::{Decision, DenialCause};
use iolite_identity::{Caller, PrincipalCaller, Reason};
use iolite_kernel::{Answer, ServiceError, Uuid, iso_seconds};
use serde_json::json;

use super::{BUSY, Circumstances, Face, REQUEST_ID};
use crate::Refusal;

/// Resource Manager's face.
pub struct ArmFace;

impl Face for ArmFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let code = error.code;
        let answer = match &error.body {
            Some(body) => Answer::json_text(code.status, body.clone()),
            // A store that fails is no provider's error, though it comes with a number.
            None if code.status >= 500 && code.name == "ServerError" => {
                envelope(code.status, "InternalServerError", &error.message)
            }
            None if code.number != 0 => provider(code.status, code.number, &error.message, at),
            None => envelope(code.status, code.name, &error.message),
        };
        answer.with_headers_of(error)
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
            Refusal::NoRoom { retry_after_seconds } => {
                envelope(503, "ServerBusy", BUSY).with_header("retry-after", retry_after_seconds.to_string())
            }
        }
    }

    fn adorn(&self, answer: &mut Answer, _: Uuid, text: &HeaderValue) {
        answer.headers.insert(REQUEST_ID, text.clone());
        answer.headers.insert(HeaderName::from_static("x-ms-correlation-request-id"), text.clone());
    }
}

fn denied(decision: &Decision, at: Circumstances<'_>) -> Answer {
    let cause = decision.denial().map(|denial| &denial.cause);
    match (decision.caller.as_deref(), cause) {
        (Some(Caller::Principal(principal)), Some(DenialCause::RoleMissing { action })) => {
            let text = format!(
                "{} does not have authorization to perform action '{action}' over scope '{}', or the scope is invalid. \
                 If access was granted a moment ago, get a new token.",
                client(principal),
                decision.resource
            );
            envelope(403, "AuthorizationFailed", &text)
        }
        (Some(Caller::Principal(principal)), Some(DenialCause::DeniedByAssignment { action, by })) => {
            let text = format!(
                "{} is kept from action '{action}' over scope '{}' by the deny assignment '{}' with Id '{}' at scope '{}'.",
                client(principal),
                decision.resource,
                by.display_name,
                by.name,
                by.scope
            );
            envelope(403, "DenyAssignmentAuthorizationFailed", &text)
        }
        (_, Some(DenialCause::NotAuthenticated(rejection))) => unauthenticated(rejection.reason, at),
        _ => unauthenticated(Reason::Malformed, at),
    }
}

fn client(principal: &PrincipalCaller) -> String {
    format!("The client '{}' with object id '{}'", principal.name, principal.object_id)
}

/// 401 with Resource Manager's code for what is wrong with the token.
fn unauthenticated(reason: Reason, at: Circumstances<'_>) -> Answer {
    let (code, text) = match reason {
        Reason::NoCredential => ("AuthenticationFailed", "The 'Authorization' header is missing."),
        Reason::UnknownScheme | Reason::SasNotAccepted => {
            ("AuthenticationFailed", "The 'Authorization' header has another scheme than Bearer.")
        }
        Reason::WrongAudience => (
            "InvalidAuthenticationTokenAudience",
            "The access token was issued for another audience than Resource Manager.",
        ),
        Reason::WrongIssuer | Reason::WrongTenant => (
            "InvalidAuthenticationTokenTenant",
            "The access token was issued by another tenant than the subscription's.",
        ),
        Reason::Expired => ("ExpiredAuthenticationToken", "The access token has expired."),
        _ => ("InvalidAuthenticationToken", "The access token is invalid."),
    };
    let challenge = format!(
        "Bearer authorization_uri=\"{}/common\", error=\"invalid_token\", error_description=\"{text}\"",
        at.origin
    );
    envelope(401, code, text).with_header("www-authenticate", challenge)
}

/// The body of the IoT Hub and DPS providers: no envelope, the number as a number, and the request's own marks in the
/// message. Recorded answers of 2023 and later.
fn provider(status: u16, number: u32, message: &str, at: Circumstances<'_>) -> Answer {
    let when = iso_seconds(at.now).replace('T', " ");
    let message = format!("{message} Correlation identifier: {}, timestamp: {when}, errorcode: IH{number}.", at.id);
    Answer::json(status, &json!({"code": number, "httpStatusCode": status, "message": message}))
}

fn envelope(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use iolite_access::{CredentialKind, Denial, Outcome};
    use iolite_identity::Checks;
    use iolite_kernel::{
        ApiVersions, Body, Client, ErrorCode, Method, Need, Operation, Scope, Service, Support, Timestamp, Uuid,
    };
    use serde_json::Value;

    use super::*;

    const AT: Circumstances<'static> = Circumstances {
        id: Uuid::nil(),
        now: Timestamp::UNIX_EPOCH,
        method: "GET",
        path: "/subscriptions",
        origin: "https://localhost:8443",
    };

    fn body(answer: &Answer) -> Value {
        match &answer.body {
            Body::Json(bytes) => serde_json::from_slice(bytes).unwrap(),
            Body::Empty | Body::Other { .. } => Value::Null,
        }
    }

    #[test]
    fn a_named_error_has_the_envelope_and_a_numbered_one_has_none() {
        static NAMED: ErrorCode = ErrorCode { status: 404, number: 0, name: "ResourceNotFound" };
        static NUMBERED: ErrorCode = ErrorCode { status: 409, number: 409_004, name: "IotHubNameNotAvailable" };
        let named = ArmFace.error(&ServiceError::new(&NAMED, "gone"), AT);
        assert_eq!(body(&named), json!({"error": {"code": "ResourceNotFound", "message": "gone"}}));
        let numbered = body(&ArmFace.error(&ServiceError::new(&NUMBERED, "taken."), AT));
        assert_eq!((&numbered["code"], &numbered["httpStatusCode"]), (&json!(409_004), &json!(409)));
        let message = numbered["message"].as_str().unwrap();
        assert!(message.ends_with("timestamp: 1970-01-01 00:00:00Z, errorcode: IH409004."), "{message}");
    }

    #[test]
    fn a_failing_store_is_an_internal_error_of_resource_manager() {
        static STORE: ErrorCode = ErrorCode { status: 500, number: 500_001, name: "ServerError" };
        let answer = ArmFace.error(&ServiceError::new(&STORE, "not kept").because("disk full"), AT);
        assert_eq!(body(&answer)["error"]["code"], "InternalServerError");
        assert!(!body(&answer).to_string().contains("disk"));
    }

    static READ: Operation = Operation {
        service: Service::Arm,
        name: "IotHubResource_Get",
        method: Method::Get,
        path: "/subscriptions/{subscriptionId}",
        versions: ApiVersions::AnyDate,
        need: Need::Management { action: "Microsoft.Devices/iotHubs/Read" },
        support: Support::Served,
        summary: "Reads a hub.",
    };

    #[test]
    fn a_missing_role_names_the_client_the_action_and_the_scope() {
        let caller = PrincipalCaller {
            object_id: "11-22".to_owned(),
            name: "twin-app".to_owned(),
            principal_kind: "servicePrincipal",
            client_id: None,
            groups: Vec::new(),
            expires_at: Timestamp::MAX,
        };
        let cause = DenialCause::RoleMissing { action: "Microsoft.Devices/iotHubs/Read" };
        let decision = Decision {
            id: AT.id,
            at: AT.now,
            operation: &READ,
            resource: Scope::subscription("s"),
            target: AT.path.into(),
            origin: AT.origin.into(),
            client: Client { address: None, agent: "".into() },
            credential: CredentialKind::Bearer,
            checks: Checks::default(),
            caller: Some(Arc::new(Caller::Principal(caller))),
            outcome: Outcome::Denied(Denial { cause, scopes: Vec::new(), evaluations: Vec::new() }.into()),
            notes: OnceLock::new(),
        };
        let answer = ArmFace.refusal(&Refusal::Denied(Arc::new(decision)), AT);
        assert_eq!((answer.status, body(&answer)["error"]["code"].as_str()), (403, Some("AuthorizationFailed")));
        let told = body(&answer).to_string();
        for part in ["'twin-app'", "'11-22'", "'Microsoft.Devices/iotHubs/Read'", "'/subscriptions/s'"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_token_is_told_what_is_wrong_with_it() {
        let cases = [
            (Reason::NoCredential, "AuthenticationFailed"),
            (Reason::Expired, "ExpiredAuthenticationToken"),
            (Reason::WrongAudience, "InvalidAuthenticationTokenAudience"),
            (Reason::BadSignature, "InvalidAuthenticationToken"),
        ];
        for (reason, code) in cases {
            let answer = unauthenticated(reason, AT);
            assert_eq!((answer.status, body(&answer)["error"]["code"].as_str()), (401, Some(code)));
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
        }
    }
}
