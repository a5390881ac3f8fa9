//! The control API: plain HTTP on loopback, for people, test harnesses and the command line.
//!
//! A request whose Host is not loopback's, or that carries any Origin but its own, is refused: a web page must not reach
//! it through DNS rebinding or a call from another origin, another port of this machine included. Managed identity answers
//! on the same port, through the pipeline.

mod check;
mod clock;
mod decisions;
mod endpoints;
mod known;
mod mint;
mod openapi;
mod roles;
mod snapshots;
mod switch;
mod world;

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use iolite_http::{Head, Sender, Shown, Site, agent, serve_requests};
use iolite_kernel::{Answer, Body, Client};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;

pub(crate) use snapshots::Snapshots;

use crate::front::Front;
use crate::house::House;
use crate::ports::Bound;
use crate::ready::ReadyFile;
use crate::world::Seeder;

/// Bodies of the control API are small.
const MOST_BYTES: usize = 64 * 1024;

/// What the control API works on.
pub(crate) struct Control {
    pub(crate) house: Arc<House>,
    pub(crate) seeder: Arc<Seeder>,
    pub(crate) ready_file: ReadyFile,
    pub(crate) snapshots: Snapshots,
}

/// A refusal by the control API.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refused {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, code: "BadRequest", message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, code: "NotFound", message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { status: 500, code: "Failed", message: message.into() }
    }

    fn not_supported(message: impl Into<String>) -> Self {
        Self { status: 501, code: "NotSupported", message: message.into() }
    }

    fn forbidden(message: impl Into<String>) -> Self {
        Self { status: 403, code: "Forbidden", message: message.into() }
    }
}

/// One call of the control API.
pub(crate) struct Call {
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Call {
    /// The query value named `name`; an empty one counts as none, as a form sends it.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The body's text field `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The body's text field `name`, or a refusal that names it.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.text(name).ok_or_else(|| Refused::bad_request(format!("the body has no text field `{name}`")))
    }
}

impl Control {
    pub(crate) fn new(house: Arc<House>, seeder: Arc<Seeder>, ready_file: ReadyFile, snapshots: Snapshots) -> Self {
        Self { house, seeder, ready_file, snapshots }
    }

    /// Serves the control API on `bound`.
    pub(crate) fn serve(self: Arc<Self>, front: &Front, bound: Bound) {
        for listener in bound.listeners {
            let (front, control) = (front.clone(), self.clone());
            front.tasks.clone().spawn(async move {
                let draining = front.draining.clone();
                front.accept(listener, |stream, peer| control.clone().connection(stream, peer, draining.clone())).await;
            });
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: IpAddr, draining: watch::Receiver<bool>) {
        serve_requests(stream, draining, |request| self.respond(request, peer)).await;
    }

    async fn respond(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let (parts, incoming) = request.into_parts();
        if let Err(refused) = guard(&parts.uri, &parts.headers) {
            let mut response = refusal(&refused);
            // Who asks so is not from here, or reads requests otherwise than we do: what follows is not listened to.
            response.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
            return response;
        }
        let path = parts.uri.path().to_owned();
        if path.starts_with("/metadata/") || path.starts_with("/msi/") {
            return self.managed_identity(parts, incoming, peer).await;
        }
        if path == "/ca.pem" && is_read(&parts.method) {
            return bytes(200, "application/x-pem-file", Bytes::from(self.ready_file.authority.pem.clone()));
        }
        let held = match self.house.pipeline.bodies().of(Sender::Admitted).read(incoming, MOST_BYTES).await {
            Ok(held) => held,
            Err(iolite_http::Refusal::BodyTooLarge { limit }) => {
                let message = format!("the body is larger than {limit} bytes");
                return refusal(&Refused { status: 413, code: "BodyTooLarge", message });
            }
            Err(iolite_http::Refusal::NoRoom { .. }) => {
                let message = "the bodies of other requests take all the room that there is".to_owned();
                return refusal(&Refused { status: 503, code: "NoRoom", message });
            }
            Err(_) => return refusal(&Refused::bad_request("the body cannot be read to its end")),
        };
        match self.call(&parts.method, &path, parts.uri.query(), held.bytes()).await {
            Ok(Value::Null) => bytes(204, "application/json", Bytes::new()),
            Ok(value) => bytes(200, "application/json", Bytes::from(value.to_string())),
            Err(refused) => refusal(&refused),
        }
    }

    async fn call(&self, method: &Method, path: &str, query: Option<&str>, body: &[u8]) -> Result<Value, Refused> {
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(body)
                .map_err(|error| Refused::bad_request(format!("the body is not JSON: {error}")))?
        };
        let query = form_pairs(query.unwrap_or_default());
        endpoints::dispatch(self, method, path, Call { query, body }).await
    }

    async fn managed_identity(
        &self,
        parts: http::request::Parts,
        incoming: Incoming,
        peer: IpAddr,
    ) -> Response<Full<Bytes>> {
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
        let client = Client { address: Some(peer), agent: agent(&parts.headers).into() };
        let head = Head {
            site: Site::Control,
            method: parts.method,
            uri: parts.uri,
            shown: Arc::new(Shown::read(&parts.headers, None)),
            headers: parts.headers,
            origin: format!("http://{host}").into(),
            host: "localhost".into(),
            client,
        };
        let pipeline = &self.house.pipeline;
        let read = |sender: Sender| pipeline.bodies().of(sender).read(incoming, sender.most_bytes().min(MOST_BYTES));
        answer(pipeline.serve(head, read).await)
    }
}

/// Lets in only what a program on this machine sends, and says in one way whom it means.
fn guard(uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text("host").filter(|_| headers.get_all("host").iter().count() == 1);
    let host = host.ok_or_else(|| Refused::bad_request("a request has one Host"))?;
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
        return Err(Refused::bad_request("the Host is no name and port"));
    }
    if uri.authority().is_some_and(|target| !target.as_str().eq_ignore_ascii_case(host)) {
        return Err(Refused::bad_request("the target and the Host are at odds"));
    }
    if !is_loopback(host) {
        return Err(Refused::forbidden("the control API answers to localhost and loopback addresses only"));
    }
    let origins = headers.get_all("origin");
    if origins.iter().all(|origin| origin.to_str().is_ok_and(|origin| is_of(origin, host))) {
        Ok(())
    } else {
        Err(Refused::forbidden("the control API takes no calls from web pages of other origins"))
    }
}

/// Whether an origin is the one that `host` names. Another port of this machine is another origin (RFC 6454, section 5):
/// whatever page is served there is none of ours.
fn is_of(origin: &str, host: &str) -> bool {
    let spelt_out = |authority: &str| authority.strip_suffix(":80").unwrap_or(authority).to_ascii_lowercase();
    origin.strip_prefix("http://").is_some_and(|authority| spelt_out(authority) == spelt_out(host))
}

/// Whether a name and port are this machine's own: `localhost`, in any case and with the root's dot (RFC 4343, RFC 6761),
/// or a loopback address. A name that a name server resolves is never ours, wherever it leads.
fn is_loopback(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, rest))) => (host, rest.strip_prefix(':').unwrap_or(rest)),
        Some(None) => return false,
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let is_bracketed = authority.starts_with('[');
    port.bytes().all(|byte| byte.is_ascii_digit())
        && match host.parse::<IpAddr>() {
            Ok(address) => address.is_ipv6() == is_bracketed && address.to_canonical().is_loopback(),
            Err(_) => !is_bracketed && host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost"),
        }
}

/// Whether a request only reads. HEAD is answered as GET is (RFC 9110, section 9.3.2); hyper leaves the body out.
fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Reads a query as forms write it.
fn form_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| {
                percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
            };
            (decode(name), decode(value))
        })
        .collect()
}

fn refusal(refused: &Refused) -> Response<Full<Bytes>> {
    let body = json!({"error": {"code": refused.code, "message": refused.message}});
    bytes(refused.status, "application/json", Bytes::from(body.to_string()))
}

fn answer(answer: Answer) -> Response<Full<Bytes>> {
    let (content_type, body) = match answer.body {
        Body::Empty => ("application/json", Bytes::new()),
        Body::Json(body) => ("application/json; charset=utf-8", body),
        Body::Other { content_type, bytes } => (content_type, bytes),
    };
    let mut response = bytes(answer.status, content_type, body);
    response.headers_mut().extend(answer.headers);
    response
}

fn bytes(status: u16, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a request with these headers.
    fn guarded(target: &'static str, pairs: &[(&'static str, &'static str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        guard(&Uri::from_static(target), &headers).err().map(|refused| refused.status)
    }

    #[test]
    fn a_rebound_host_is_refused() {
        assert_eq!(guarded("/", &[("host", "evil.example:8080")]), Some(403));
        assert_eq!(guarded("/", &[("host", "localhost:8080")]), None);
        assert_eq!(guarded("/", &[("host", "[::1]:8080")]), None);
    }

    #[test]
    fn this_machine_goes_by_every_spelling_of_its_own() {
        for host in [
            "LOCALHOST",
            "Localhost:8080",
            "localhost.",
            "localhost.:8080",
            "localhost:",
            "127.0.0.1",
            "127.0.0.2:8080",
            "127.255.255.254",
            "[::1]",
            "[0:0:0:0:0:0:0:1]:8080",
            "[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(guarded("/", &[("host", host)]), None, "{host}");
        }
        for host in [
            "localhost..",
            "a.localhost",
            "localhost.evil.example",
            "localhostevil",
            "127.0.0.1.nip.io",
            "127.1",
            "128.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::2]",
            "[127.0.0.1]",
            "[localhost]",
            "[::1]evil",
            "evil[::1]",
            "::1",
            "[::1",
            "localhost:80:80",
            "localhost:evil",
            "127.0.0.1.",
            "[::ffff:8.8.8.8]",
        ] {
            assert_eq!(guarded("/", &[("host", host)]), Some(403), "{host}");
        }
    }

    #[test]
    fn who_names_no_host_or_two_is_refused() {
        let here = ("host", "localhost:8080");
        assert_eq!(guarded("/", &[]), Some(400));
        assert_eq!(guarded("/", &[here, ("host", "evil.example")]), Some(400));
        assert_eq!(guarded("/", &[here, here]), Some(400));
        assert_eq!(guarded("http://localhost:8080/", &[here]), None);
        assert_eq!(guarded("http://evil.example/", &[here]), Some(400));
        for host in ["evil@localhost", "localhost/evil", "", "local host"] {
            assert!(guarded("/", &[("host", host)]).is_some(), "{host}");
        }
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        let here = ("host", "localhost:8080");
        assert_eq!(guarded("/", &[here, ("origin", "https://evil.example")]), Some(403));
        assert_eq!(guarded("/", &[here, ("origin", "null")]), Some(403));
        assert_eq!(guarded("/", &[here, ("origin", "http://localhost:8080")]), None);
        assert_eq!(guarded("/", &[("host", "[::1]:8080"), ("origin", "http://[::1]:8080")]), None);
        assert_eq!(guarded("/", &[("host", "localhost"), ("origin", "http://localhost:80")]), None);
    }

    #[test]
    fn a_page_of_another_local_port_is_as_foreign() {
        let here = ("host", "localhost:8080");
        for origin in [
            "http://localhost:3000",
            "http://localhost",
            "http://127.0.0.1:8080",
            "https://localhost:8080",
            "http://localhost:8080/",
            "http://localhost:8080.evil.example",
            "localhost:8080",
            "",
        ] {
            assert_eq!(guarded("/", &[here, ("origin", origin)]), Some(403), "{origin}");
        }
        let ours = ("origin", "http://localhost:8080");
        assert_eq!(guarded("/", &[here, ours, ("origin", "http://localhost:3000")]), Some(403));
    }
}
