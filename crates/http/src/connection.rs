//! One HTTP/1.1 connection: hyper's framing with its limits set, and the pipeline behind it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use iolite_identity::ClientCertificate;
use iolite_kernel::{Answer, Body, Client};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::framing::Framed;
use crate::pace::Answering;
use crate::{Head, Pipeline, Site};

/// A head that does not fit is answered 431.
const HEAD_BYTES: usize = 64 * 1024;
/// More header fields are answered 431.
const HEAD_FIELDS: usize = 100;
/// A longer target is answered 414; the services' own longest, a model's id and a continuation, stay well below.
const TARGET_BYTES: usize = 8 * 1024;
/// As much of a `User-Agent` is kept, in bytes.
const AGENT_BYTES: usize = 256;

/// What is known of a connection before its first request.
pub struct ConnectionContext {
    /// The listener.
    pub site: Site,
    /// `https` or `http`.
    pub scheme: &'static str,
    /// The authority to assume where a client sends no Host (`localhost:8443`).
    pub authority: String,
    /// The peer's address.
    pub peer: Option<IpAddr>,
    /// The client certificate of the handshake.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// Turns true when the process drains: the connection ends after the request it is in.
    pub draining: watch::Receiver<bool>,
}

/// One connection of the services, and what its last request said of itself: a client says the same each time.
struct Line {
    pipeline: Arc<Pipeline>,
    context: ConnectionContext,
    dialled: Mutex<Option<Dialled>>,
    agent: Mutex<Arc<str>>,
}

/// Where a request was sent.
#[derive(Clone)]
struct Dialled {
    /// The authority as it was said.
    authority: Arc<str>,
    /// Its host, lower case, without the port.
    host: Arc<str>,
    /// With the scheme, lower case.
    origin: Arc<str>,
}

/// Serves one connection of the services until it ends or the process drains.
pub async fn serve_connection<S>(stream: S, pipeline: Arc<Pipeline>, context: ConnectionContext)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let draining = context.draining.clone();
    let line = Arc::new(Line { pipeline, context, dialled: Mutex::default(), agent: Mutex::new("".into()) });
    serve_requests(stream, draining, move |request| {
        let line = line.clone();
        async move { line.respond(request).await }
    })
    .await;
}

/// Serves the requests of one connection by `respond`, with every limit set, until it ends or the process drains. A
/// request that is under way when its client goes is carried out to its end.
pub async fn serve_requests<S, F>(
    stream: S,
    mut draining: watch::Receiver<bool>,
    respond: impl Fn(http::Request<Incoming>) -> F,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>>,
{
    let answering = Answering::default();
    let service = service_fn(|request| {
        let (responding, answered) = (respond(request), answering.begin());
        async move {
            let response = responding.await;
            drop(answered);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .half_close(true)
        .serve_connection(TokioIo::new(Framed::new(stream, answering.clone())), service);
    tokio::pin!(connection);
    let drained = async { draining.wait_for(|draining| *draining).await.is_ok() };
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        true = drained => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Line {
    async fn respond(&self, request: http::Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, incoming) = request.into_parts();
        if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES) {
            return plain(414, "The request target is longer than is read.");
        }
        let Some(authority) = authority(&parts.uri, &parts.headers, &self.context.authority) else {
            return plain(400, "The Host header is missing, doubled, malformed or at odds with the request line.");
        };
        let Dialled { host, origin, .. } = self.dialled(authority);
        let head = Head {
            site: self.context.site.clone(),
            host,
            origin,
            client: Client { address: self.context.peer, agent: self.agent(&parts.headers) },
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            certificate: self.context.certificate.clone(),
        };
        let bodies = self.pipeline.bodies();
        into_response(self.pipeline.serve(head, |most| bodies.read(incoming, most)).await)
    }

    fn dialled(&self, authority: &str) -> Dialled {
        let mut last = self.dialled.lock();
        if let Some(last) = last.as_ref().filter(|last| &*last.authority == authority) {
            return last.clone();
        }
        let lower = authority.to_ascii_lowercase();
        let origin = format!("{}://{lower}", self.context.scheme);
        last.insert(Dialled { authority: authority.into(), host: host_of(&lower).into(), origin: origin.into() })
            .clone()
    }

    fn agent(&self, headers: &HeaderMap) -> Arc<str> {
        let (agent, mut last) = (agent(headers), self.agent.lock());
        if **last != *agent {
            *last = agent.into();
        }
        last.clone()
    }
}

/// As much of a request's `User-Agent` as is kept; empty where there is none.
#[must_use]
pub fn agent(headers: &HeaderMap) -> &str {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    &text[..text.floor_char_boundary(AGENT_BYTES)]
}

/// The authority a request was sent to, as it was said. One Host at most; an absolute target must agree with it.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap, assumed: &'a str) -> Option<&'a str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().ok()?.trim()),
        (None, _) => None,
        (Some(_), Some(_)) => return None,
    };
    let well_formed = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte))
    };
    match (uri.authority(), host) {
        (Some(target), Some(host)) if !target.as_str().eq_ignore_ascii_case(host) => None,
        (_, Some(host)) => Some(host).filter(|host| well_formed(host)),
        (Some(target), None) => Some(target.as_str()),
        (None, None) => Some(assumed),
    }
}

fn host_of(authority: &str) -> &str {
    if let Some(end) = authority.rfind(']') {
        return &authority[..=end];
    }
    authority.split(':').next().unwrap_or_default()
}

/// The hyper response of an answer; a header value that cannot be one is left out, since it came from a caller.
pub(crate) fn into_response(answer: Answer) -> Response<Full<Bytes>> {
    let (content_type, bytes) = match answer.body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(bytes) => (Some("application/json; charset=utf-8"), bytes),
        Body::Other { content_type, bytes } => (Some(content_type), bytes),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        } else {
            tracing::warn!(name, "a header value that is no header value was left out");
        }
    }
    for (name, value) in answer.named {
        // Names and values of somebody's own properties: not all of them can stand in a head.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    response
}

fn plain(status: u16, text: &'static str) -> Response<Full<Bytes>> {
    let body = Body::Other { content_type: "text/plain; charset=utf-8", bytes: Bytes::from_static(text.as_bytes()) };
    into_response(Answer { body, ..Answer::empty(status) }.with_header("connection", "close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(hosts: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(http::header::HOST, HeaderValue::from_static(host));
        }
        headers
    }

    #[test]
    fn a_target_at_odds_with_the_host_is_refused() {
        let uri = Uri::from_static("https://evil.example/devices");
        assert_eq!(authority(&uri, &headers(&["localhost:8443"]), "x"), None);
        assert_eq!(authority(&Uri::from_static("/devices"), &headers(&["a", "b"]), "x"), None);
        assert_eq!(authority(&Uri::from_static("/"), &headers(&["LocalHost:8443"]), "x").unwrap(), "LocalHost:8443");
    }

    #[test]
    fn an_address_in_brackets_keeps_them() {
        assert_eq!(host_of("[::1]:8443"), "[::1]");
        assert_eq!(host_of("localhost:8443"), "localhost");
    }

    #[test]
    fn a_header_value_with_a_line_break_is_left_out() {
        let answer = Answer::empty(200).with_header("etag", "a\r\nset-cookie: x");
        assert!(into_response(answer).headers().is_empty());
    }
}
