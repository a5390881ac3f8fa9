//! The table of the control API: what there is, for dispatch and for its OpenAPI document.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Call, Control, Refused, clock, decisions, mint, roles, snapshots, switch, world};

/// Every path of the control API starts with this.
const BASE: &str = "/iolite/v1";

/// One endpoint: method, path, and what it does.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
}

const fn endpoint(method: &'static str, path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint { method, path, summary }
}

const ENDPOINTS: &[Endpoint] = &[
    endpoint("get", "/health/live", "Says that the process runs."),
    endpoint("get", "/health/ready", "Says that every listener accepts."),
    endpoint("get", "/ready-file", "The ready file's content, with the resources that there are now."),
    endpoint("get", "/openapi.json", "This document."),
    endpoint(
        "post",
        "/reset",
        "Puts the world back as at start (seed=world), or that without any devices, twins, models and enrolments (seed=empty).",
    ),
    endpoint("get", "/clock", "The emulator's clock."),
    endpoint("post", "/clock", "Moves the clock: advanceSeconds, set, freeze, resume or reset."),
    endpoint(
        "get",
        "/decisions",
        "The last decisions, the newest first; outcome, principal, operation and limit narrow the list.",
    ),
    endpoint("get", "/decisions/{id}", "One decision with its reasons; `last` for the newest."),
    endpoint("post", "/check", "A decision without a request."),
    endpoint("get", "/roles", "Which roles grant an action, and which actions an operation needs."),
    endpoint("post", "/token", "An access token, good or deliberately bad."),
    endpoint("post", "/sas", "A SAS token."),
    endpoint("get", "/hubs/{name}/local-auth", "Whether a hub denies SAS, and what denying it would do."),
    endpoint("post", "/hubs/{name}/local-auth", "Denies or allows SAS on a hub."),
    endpoint("get", "/snapshots", "The names of the whole-world copies."),
    endpoint("post", "/snapshots/{name}", "Copies the whole world."),
    endpoint("post", "/snapshots/{name}/restore", "Puts a whole-world copy back."),
    endpoint(
        "post",
        "/keys/rotate",
        "Gives the issuer a new signing key; overlapSeconds says how long the old one stays good.",
    ),
    endpoint("get", "/world/schema.json", "The JSON Schema of the world file."),
];

/// Runs the endpoint at `path`.
pub(super) async fn dispatch(control: &Control, method: &Method, path: &str, call: Call) -> Result<Value, Refused> {
    if matches!(path, "/metrics" | "/console") {
        return Err(Refused::not_supported(format!("{path} is not built yet; the control API is at {BASE}")));
    }
    let Some(rest) = path.strip_prefix(BASE) else {
        return Err(Refused::not_found(format!(
            "the control API is at {BASE}; its endpoints are in {BASE}/openapi.json"
        )));
    };
    let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["health", "live"]) => Ok(json!({"status": "live"})),
        ("GET", ["health", "ready"]) => Ok(json!({"status": "ready"})),
        ("GET", ["ready-file"]) => Ok(control.ready_file.content(&control.house)),
        ("GET", ["openapi.json"]) => Ok(openapi()),
        ("POST", ["reset"]) => world::reset(control, &call).await,
        ("GET", ["world", "schema.json"]) => Ok(crate::world::json_schema()),
        ("GET", ["clock"]) => Ok(clock::show(control)),
        ("POST", ["clock"]) => clock::steer(control, &call),
        ("GET", ["decisions"]) => decisions::list(control, &call),
        ("GET", ["decisions", id]) => decisions::show(control, id, &call),
        ("POST", ["check"]) => decisions::check(control, &call),
        ("GET", ["roles"]) => roles::list(control, &call),
        ("POST", ["token"]) => mint::token(control, &call).await,
        ("POST", ["sas"]) => mint::sas(control, &call),
        ("POST", ["keys", "rotate"]) => mint::rotate(control, &call).await,
        ("GET", ["hubs", name, "local-auth"]) => switch::show(control, name),
        ("POST", ["hubs", name, "local-auth"]) => switch::change(control, name, &call).await,
        ("GET", ["snapshots"]) => Ok(snapshots::list(control)),
        ("POST", ["snapshots", name]) => snapshots::save(control, name).await,
        ("POST", ["snapshots", name, "restore"]) => snapshots::restore(control, name).await,
        (_, ["faults", ..]) => {
            let message = "faults by service and operation are not built yet; the messages by which a device asks IoT Hub for \
                           a fault of its own (AzIoTHub_FaultOperationType) are served";
            Err(Refused::not_supported(message))
        }
        (_, known) if is_known(known) => {
            Err(Refused { status: 405, code: "MethodNotAllowed", message: format!("{path} does not take {method}") })
        }
        _ => Err(Refused::not_found(format!("there is no {path}; the endpoints are in {BASE}/openapi.json"))),
    }
}

fn is_known(segments: &[&str]) -> bool {
    ENDPOINTS.iter().any(|endpoint| {
        let known: Vec<&str> = endpoint.path.split('/').filter(|segment| !segment.is_empty()).collect();
        known.len() == segments.len()
            && known.iter().zip(segments).all(|(known, segment)| known.starts_with('{') || known == segment)
    })
}

fn openapi() -> Value {
    let mut paths = Map::new();
    for Endpoint { method, path, summary } in ENDPOINTS {
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        let operation = json!({
            "summary": summary,
            "parameters": parameters,
            "responses": {"default": {"description": "JSON; errors as {\"error\":{\"code\",\"message\"}}"}},
        });
        let item = paths.entry(format!("{BASE}{path}")).or_insert_with(|| json!({}));
        item[*method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Iolite control API", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_every_endpoint() {
        let document = openapi();
        for endpoint in ENDPOINTS {
            assert!(document["paths"][format!("{BASE}{}", endpoint.path)][endpoint.method].is_object());
        }
    }

    #[test]
    fn a_known_path_is_known_by_its_shape() {
        assert!(is_known(&["snapshots", "x", "restore"]) && !is_known(&["snapshots", "x", "y"]));
    }
}
