//! How the Entra issuer says no, and how the managed identity endpoints and Microsoft Graph do.
//!
//! Sources: RFC 6749, section 5.2; answers of the service quoted in public issues since 2023 (before, the description had
//! line breaks); "How to use managed identities on an Azure VM", error handling.

use iolite_kernel::{Answer, ErrorCode, ServiceError, iso_seconds};
use serde_json::{Value, json};

use super::{BUSY, Circumstances, Face};
use crate::Refusal;

/// The issuer's face, and that of the managed identity endpoints and of Graph.
pub struct EntraFace;

const NOT_FOUND: ErrorCode = ErrorCode { status: 404, number: 0, name: "invalid_request" };
const MALFORMED: ErrorCode = ErrorCode { status: 400, number: 9_002_313, name: "invalid_request" };
const METHOD: ErrorCode = ErrorCode { status: 405, number: 900_561, name: "invalid_request" };
const API_VERSION: ErrorCode = ErrorCode { status: 400, number: 90014, name: "invalid_request" };
const DENIED: ErrorCode = ErrorCode { status: 401, number: 50012, name: "invalid_client" };
const TOO_LARGE: ErrorCode = ErrorCode { status: 413, number: 9_002_313, name: "invalid_request" };
const BUSY_NOW: ErrorCode = ErrorCode { status: 503, number: 90033, name: "temporarily_unavailable" };
const NOT_SUPPORTED: ErrorCode = ErrorCode { status: 501, number: 0, name: "temporarily_unavailable" };

impl Face for EntraFace {
    fn error(&self, error: &ServiceError, at: Circumstances<'_>) -> Answer {
        let answer = match &error.body {
            Some(body) => Answer::json_text(error.code.status, body.clone()),
            None => refuse(error.code, &error.message, at),
        };
        uncached(answer.with_headers_of(error))
    }

    fn refusal(&self, refusal: &Refusal, at: Circumstances<'_>) -> Answer {
        uncached(match refusal {
            Refusal::UnknownPath | Refusal::UnknownResource => refuse(&NOT_FOUND, "There is no such endpoint.", at),
            Refusal::MalformedPath => refuse(&MALFORMED, "The path is not valid UTF-8 text.", at),
            Refusal::MethodNotAllowed { allowed } => {
                let names: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
                let text = format!("The endpoint takes {} requests only.", names.join(" and "));
                refuse(&METHOD, &text, at).with_header("allow", names.join(", "))
            }
            Refusal::ApiVersionMissing { .. } => refuse(&API_VERSION, "The api-version is missing.", at),
            Refusal::ApiVersionUnknown { given, .. } => {
                refuse(&API_VERSION, &format!("The api-version '{given}' is not known."), at)
            }
            // Graph's alone: nothing else here asks for a credential at the door.
            Refusal::Denied(_) => refuse(&DENIED, "The access token is missing or was not accepted.", at).with_header(
                "www-authenticate",
                format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\"", at.origin),
            ),
            Refusal::NotSupported { operation, why } => {
                refuse(&NOT_SUPPORTED, &format!("{} is not emulated: {why}.", operation.name), at)
            }
            Refusal::BodyTooLarge { limit } => {
                refuse(&TOO_LARGE, &format!("The body is larger than {limit} bytes."), at)
            }
            Refusal::BodyUnreadable => refuse(&MALFORMED, "The body could not be read to its end.", at),
            Refusal::NoRoom { retry_after_seconds } => {
                refuse(&BUSY_NOW, BUSY, at).with_header("retry-after", retry_after_seconds.to_string())
            }
        })
    }
}

fn refuse(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Answer {
    let is = |prefix: &str| at.path.trim_start_matches('/').to_ascii_lowercase().starts_with(prefix);
    let body = if is("msi/") {
        json!({"statusCode": code.status, "message": text, "correlationId": at.id.to_string()})
    } else if is("graph/") {
        graph(code, text, at)
    } else if is("metadata/") {
        json!({"error": code.name, "error_description": text})
    } else {
        oauth(code, text, at)
    };
    Answer::json(code.status, &body)
}

/// Microsoft Graph's shape.
fn graph(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Value {
    let inner = json!({"date": iso_seconds(at.now).trim_end_matches('Z'), "request-id": at.id.to_string()});
    let name = match code.status {
        401 => "InvalidAuthenticationToken",
        404 => "ResourceNotFound",
        405 => "Request_BadRequest",
        501 => "NotSupported",
        _ => code.name,
    };
    json!({"error": {"code": name, "message": text, "innerError": inner}})
}

/// A number of 0 stands for an error whose AADSTS number no public source tells.
fn oauth(code: &ErrorCode, text: &str, at: Circumstances<'_>) -> Value {
    let when = iso_seconds(at.now).replace('T', " ");
    let trailer = format!("Trace ID: {0} Correlation ID: {0} Timestamp: {when}", at.id);
    let mut body = json!({
        "error": code.name,
        "error_description": format!("{text} {trailer}"),
        "error_codes": [],
        "timestamp": when,
        "trace_id": at.id.to_string(),
        "correlation_id": at.id.to_string(),
    });
    if code.number != 0 {
        body["error_description"] = format!("AADSTS{}: {text} {trailer}", code.number).into();
        body["error_codes"] = json!([code.number]);
        body["error_uri"] = format!("https://login.microsoftonline.com/error?code={}", code.number).into();
    }
    body
}

fn uncached(answer: Answer) -> Answer {
    answer.with_header("cache-control", "no-store, no-cache").with_header("pragma", "no-cache")
}

#[cfg(test)]
mod tests {
    use iolite_kernel::{ApiVersions, Body, Method, Need, Operation, Service, Support, Uuid};

    use super::*;

    const WRONG_SECRET: ErrorCode = ErrorCode { status: 401, number: 7_000_215, name: "invalid_client" };
    const SLOW_DOWN: ErrorCode = ErrorCode { status: 400, number: 0, name: "slow_down" };

    static AUTHORIZE: Operation = Operation {
        service: Service::Entra,
        name: "Authorize",
        method: Method::Get,
        path: "/{tenant}/oauth2/authorize",
        versions: ApiVersions::Unversioned,
        need: Need::Public { because: "test" },
        support: Support::Refused("test"),
        summary: "",
    };

    fn at(path: &str) -> Circumstances<'_> {
        let now = "2026-11-22T01:12:48.5Z".parse().unwrap();
        Circumstances { id: Uuid::nil(), now, method: "POST", path, origin: "https://localhost:8443" }
    }

    fn json_of(answer: &Answer) -> Value {
        let Body::Json(bytes) = &answer.body else { panic!("not JSON: {answer:?}") };
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn an_error_has_entras_shape() {
        let answer = EntraFace.error(&ServiceError::new(&WRONG_SECRET, "It is wrong."), at("/t/oauth2/token"));
        assert_eq!(answer.status, 401);
        let (id, when) = (Uuid::nil().to_string(), "2026-11-22 01:12:48Z");
        assert_eq!(
            json_of(&answer),
            json!({
                "error": "invalid_client",
                "error_description": format!("AADSTS7000215: It is wrong. Trace ID: {id} Correlation ID: {id} Timestamp: {when}"),
                "error_codes": [7_000_215],
                "timestamp": when,
                "trace_id": id,
                "correlation_id": id,
                "error_uri": "https://login.microsoftonline.com/error?code=7000215",
            })
        );
        assert!(answer.header("cache-control") == Some("no-store, no-cache"));
    }

    #[test]
    fn an_error_without_a_number_invents_none() {
        let body = json_of(&EntraFace.error(&ServiceError::new(&SLOW_DOWN, "Wait."), at("/t/oauth2/token")));
        assert_eq!((&body["error"], &body["error_codes"]), (&json!("slow_down"), &json!([])));
        assert!(body["error_description"].as_str().unwrap().starts_with("Wait. Trace ID"));
    }

    #[test]
    fn each_managed_identity_endpoint_has_its_own_shape() {
        let wrong_method = Refusal::MethodNotAllowed { allowed: vec![Method::Get] };
        let app = EntraFace.refusal(&wrong_method, at("/msi/token"));
        assert_eq!((app.status, &json_of(&app)["statusCode"]), (405, &json!(405)));
        let machine = json_of(&EntraFace.refusal(&wrong_method, at("/metadata/identity/oauth2/token")));
        assert_eq!(machine["error"], "invalid_request");
        assert!(machine.get("error_codes").is_none());
    }

    #[test]
    fn graph_has_its_own_shape() {
        let body = json_of(&EntraFace.refusal(&Refusal::UnknownPath, at("/graph/v1.0/drives")));
        assert_eq!(body["error"]["code"], "ResourceNotFound");
        assert_eq!(body["error"]["innerError"]["date"], "2026-11-22T01:12:48");
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let refusal = Refusal::NotSupported { operation: &AUTHORIZE, why: "there is no browser" };
        let answer = EntraFace.refusal(&refusal, at("/t/oauth2/authorize"));
        assert_eq!(answer.status, 501);
        assert!(json_of(&answer)["error_description"].as_str().unwrap().starts_with("Authorize is not emulated"));
    }
}
