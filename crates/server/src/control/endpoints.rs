//! The table of the control API: what there is, for dispatch and for its OpenAPI document.

use std::borrow::Cow;

use http::Method;
use serde_json::{Value, json};

use super::openapi::openapi;
use super::{Call, Control, Refused, check, clock, decisions, is_read, mint, roles, snapshots, switch, world};

/// Every path of the control API starts with this.
pub(super) const BASE: &str = "/iolite/v1";

/// One endpoint: method, path, what it does, and what may be said to it.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// The parameters of the query.
    pub(super) query: &'static [Field],
    /// The fields of the body.
    pub(super) body: &'static [Field],
}

/// A query parameter or a field of a body: its name, its JSON type, and what it says. One that must be there has a `!`
/// behind its name.
pub(super) type Field = (&'static str, &'static str, &'static str);

const fn endpoint(method: &'static str, path: &'static str, summary: &'static str) -> Endpoint {
    Endpoint { method, path, summary, query: &[], body: &[] }
}

impl Endpoint {
    const fn query(mut self, fields: &'static [Field]) -> Self {
        self.query = fields;
        self
    }

    /// Whether everything that the call names is something that there is.
    fn takes(&self, call: &Call) -> Result<(), Refused> {
        call.query.iter().try_for_each(|(name, _)| is_taken("query parameter", name, self.query))?;
        let fields = call.body.as_object().into_iter().flatten();
        fields.into_iter().try_for_each(|(name, _)| is_taken("field of the body", name, self.body))
    }

    const fn body(mut self, fields: &'static [Field]) -> Self {
        self.body = fields;
        self
    }
}

/// What narrows a list of decisions, all but its length.
const FILTER: &[Field] = &[OUTCOME, PRINCIPAL, OPERATION];
const OUTCOME: Field = ("outcome", "string", "`allowed` or `denied`.");
const PRINCIPAL: Field =
    ("principal", "string", "The caller's name, object id, client id or user name, or the policy's or device's name.");
const OPERATION: Field = ("operation", "string", "The operation's name.");
const LIMIT: Field = ("limit", "integer", "How many at most; 100 unless told.");

pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint("get", "/health/live", "Says that the process runs."),
    endpoint("get", "/health/ready", "Says that every listener accepts."),
    endpoint("get", "/ready-file", "The ready file's content, with the resources that there are now."),
    endpoint("get", "/openapi.json", "This document."),
    endpoint(
        "post",
        "/reset",
        "Puts the world back as at start (seed=world), or that without any devices, twins, models and enrolments (seed=empty).",
    )
    .query(&[("seed", "string", "`world`, which is the default, or `empty`.")]),
    endpoint("get", "/clock", "The emulator's clock."),
    endpoint("post", "/clock", "Moves the clock, by one of these.").body(&[
        ("advanceSeconds", "integer", "Lets so many seconds go by at once; below zero it goes back."),
        ("set", "string", "The moment to set it to, RFC 3339; it goes on from there."),
        ("freeze", "boolean", "true: stops it."),
        ("resume", "boolean", "true: lets it go on."),
        ("reset", "boolean", "true: back to this machine's own time."),
    ]),
    endpoint(
        "get",
        "/decisions",
        "The last decisions, the newest first; outcome, principal, operation and limit narrow the list.",
    )
    .query(&[OUTCOME, PRINCIPAL, OPERATION, LIMIT]),
    endpoint("get", "/decisions/{id}", "One decision with its reasons; `last` for the newest.").query(FILTER),
    endpoint("post", "/check", "A decision without a request.").body(&[
        ("principal!", "string", "Who asks: a name, object id, client id or user name."),
        ("resource!", "string", "On what: a resource id, or hub:NAME, dps:NAME, twins:NAME, group:NAME, subscription."),
        ("action", "string", "The action asked for; this or an operation."),
        ("operation", "string", "The operation asked for, which names its own actions."),
        ("addRole", "string", "As if the principal also had this role there."),
        ("withoutRole", "string", "As if the principal did not have this role."),
    ]),
    endpoint("get", "/roles", "Which roles grant an action, and which actions an operation needs.").query(&[
        ("action", "string", "Only the roles that grant this action, and the operations that need it."),
        ("operation", "string", "Only this operation, and the roles that let it through."),
    ]),
    endpoint("post", "/token", "An access token, good or deliberately bad.").body(&[
        ("principal!", "string", "Whose token: a name, object id, client id or user name."),
        ("audience!", "string", "What it is for: hub, dps, twins, central, arm, an audience URI or an application's id."),
        ("flaw", "string", "What is to be wrong with it; `iolite token --help` lists the flaws."),
    ]),
    endpoint("post", "/sas", "A SAS token.").body(&[
        ("hub", "string", "The hub; the first one without this and dps."),
        ("dps", "string", "The provisioning service; an empty text stands for the first one."),
        ("policy", "string", "The policy to sign with; by default the owner's."),
        ("device", "string", "The device to sign as."),
        ("module", "string", "The device's module to sign as."),
        ("registration", "string", "The registration to sign as, at dps or the first provisioning service."),
        ("ttlSeconds", "integer", "How long it is good for; 3600 unless told, and below zero it has run out."),
    ]),
    endpoint("get", "/hubs/{name}/local-auth", "Whether a hub denies SAS, and what denying it would do."),
    endpoint("post", "/hubs/{name}/local-auth", "Denies or allows SAS on a hub.")
        .body(&[("disabled!", "boolean", "Whether SAS is denied.")]),
    endpoint("get", "/snapshots", "The names of the whole-world copies."),
    endpoint("post", "/snapshots/{name}", "Copies the whole world."),
    endpoint("post", "/snapshots/{name}/restore", "Puts a whole-world copy back."),
    endpoint(
        "post",
        "/keys/rotate",
        "Gives the issuer a new signing key; overlapSeconds says how long the old one stays good.",
    )
    .body(&[("overlapSeconds", "integer", "How long the old key stays good; 0 unless told.")]),
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
    let verb = if is_read(method) { "GET" } else { method.as_str() };
    if let Some(endpoint) = found(&segments).find(|endpoint| endpoint.method.eq_ignore_ascii_case(verb)) {
        endpoint.takes(&call)?;
    }
    match (verb, segments.as_slice()) {
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
        ("POST", ["check"]) => check::check(control, &call),
        ("GET", ["roles"]) => roles::list(control, &call),
        ("POST", ["token"]) => mint::token(control, &call).await,
        ("POST", ["sas"]) => mint::sas(control, &call),
        ("POST", ["keys", "rotate"]) => mint::rotate(control, &call).await,
        ("GET", ["hubs", name, "local-auth"]) => switch::show(control, &decoded(name)),
        ("POST", ["hubs", name, "local-auth"]) => switch::change(control, &decoded(name), &call).await,
        ("GET", ["snapshots"]) => Ok(snapshots::list(control)),
        ("POST", ["snapshots", name]) => snapshots::save(control, name).await,
        ("POST", ["snapshots", name, "restore"]) => snapshots::restore(control, name).await,
        (_, ["faults", ..]) => {
            let message = "faults by service and operation are not built yet; the messages by which a device asks IoT Hub for \
                           a fault of its own (AzIoTHub_FaultOperationType) are served";
            Err(Refused::not_supported(message))
        }
        (_, known) if found(known).next().is_some() => {
            Err(Refused { status: 405, code: "MethodNotAllowed", message: format!("{path} does not take {method}") })
        }
        _ => Err(Refused::not_found(format!("there is no {path}; the endpoints are in {BASE}/openapi.json"))),
    }
}

/// A segment of a path as it is meant.
fn decoded(segment: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy()
}

/// The endpoints of a path, one a method.
fn found(segments: &[&str]) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(move |endpoint| {
        let known = endpoint.path.split('/').filter(|segment| !segment.is_empty());
        known.clone().count() == segments.len()
            && known.zip(segments).all(|(known, segment)| known.starts_with('{') || known == *segment)
    })
}

/// Refuses a name that is not one of `known`: what is misspelt would not be heeded, and nobody would notice.
fn is_taken(what: &str, name: &str, known: &[Field]) -> Result<(), Refused> {
    let known: Vec<&str> = known.iter().map(|(known, ..)| known.trim_end_matches('!')).collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(Refused::bad_request(match known.as_slice() {
        [] => format!("there is no {what} `{name}`, nor any other here"),
        known => format!("there is no {what} `{name}`; there are {}", known.join(", ")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_path_is_known_by_its_shape() {
        let is_known = |segments: &[&str]| found(segments).next().is_some();
        assert!(is_known(&["snapshots", "x", "restore"]) && !is_known(&["snapshots", "x", "y"]));
    }

    #[test]
    fn what_is_misspelt_is_refused_with_what_there_is() {
        let call = |query: &str, body: Value| Call { query: super::super::form_pairs(query), body };
        let taken = |path: &[&str], method: &str, call: Call| {
            let endpoint = found(path).find(|endpoint| endpoint.method == method).unwrap();
            endpoint.takes(&call).map_err(|refused| refused.message)
        };
        let list = |query: &str| taken(&["decisions"], "get", call(query, Value::Null));
        assert_eq!(list("outcome=denied&limit=3"), Ok(()));
        assert!(list("outcom=denied").unwrap_err().contains("`outcom`; there are outcome, principal"));
        let check = |body: Value| taken(&["check"], "post", call("", body));
        assert_eq!(check(json!({"principal": "p", "resource": "r", "addRole": null})), Ok(()));
        assert!(check(json!({"add_role": "Reader"})).unwrap_err().contains("addRole"));
        let reset = taken(&["reset"], "post", call("seed=empty", json!({})));
        assert_eq!(reset, Ok(()));
        assert!(taken(&["reset"], "post", call("", json!({"seed": "empty"}))).is_err());
    }
}
