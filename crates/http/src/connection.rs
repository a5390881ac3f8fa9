//! One HTTP/1.1 connection: hyper's framing with its limits set, and the pipeline behind it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
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

use crate::drain::Drain;
use crate::framing::Framed;
use crate::pace::Answering;
use crate::pipeline::DECISION;
use crate::{Head, Pipeline, Sender, Shown, Site};

/// A head that does not fit is answered 431. With the handshake's part, and what hyper sets aside, a stranger who leaves one
/// unfinished holds less than 64 KiB by this. Windows' own HTTP server takes 16 KiB (`MaxRequestBytes`) unless it is told
/// otherwise.
const HEAD_BYTES: usize = 24 * 1024;
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

/// One connection of the services.
struct Line {
    pipeline: Arc<Pipeline>,
    context: ConnectionContext,
    said: Mutex<Said>,
}

/// What the last request of a connection said of itself: a client says the same each time.
struct Said {
    dialled: Option<Dialled>,
    agent: Arc<str>,
    shown: Arc<Shown>,
}

/// Where a request was sent.
struct Dialled {
    /// The `Host` that said so.
    authority: Box<str>,
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
    let shown = Arc::new(Shown::read(&HeaderMap::new(), context.certificate.clone()));
    let said = Mutex::new(Said { dialled: None, agent: "".into(), shown });
    let line = Line { pipeline, context, said };
    serve_requests(stream, draining, move |request| line.respond(request)).await;
}

/// Serves the requests of one connection by `respond`, with every limit set, until it ends or the process drains. A
/// request that is under way when its client goes is carried out to its end.
pub async fn serve_requests<S, F>(
    stream: S,
    draining: watch::Receiver<bool>,
    respond: impl Fn(http::Request<Incoming>) -> F,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>>,
{
    let answering = Answering::default();
    let service = service_fn(|request| {
        let entry = tracing::enabled!(tracing::Level::DEBUG).then(|| Entry::of(&request));
        let (responding, answered) = (respond(request), answering.begin());
        async move {
            let response = responding.await;
            drop(answered);
            if let Some(entry) = entry {
                entry.log(&response);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        // More than 100 header fields are answered 431: hyper's own bound, which costs nothing where it is not set.
        .half_close(true)
        .serve_connection(TokioIo::new(Framed::new(stream, answering.clone())), service);
    tokio::pin!(connection);
    let mut drain = pin!(Drain::on(draining));
    let outcome = tokio::select! {
        // In this order, since the connection is what wakes the task.
        biased;
        outcome = connection.as_mut() => outcome,
        () = drain.as_mut() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What the log tells of a request. Nothing that could be secret is in it: no header but the agent, and of the query, where
/// codes and signatures travel, only the api-version.
struct Entry {
    method: Method,
    path: String,
    api_version: Option<String>,
    agent: Arc<str>,
}

impl Entry {
    fn of<B>(request: &http::Request<B>) -> Self {
        let mut query = request.uri().query().into_iter().flat_map(crate::path::query);
        let api_version =
            query.find(|(name, _)| name.eq_ignore_ascii_case("api-version")).map(|(_, value)| value.into());
        let path = request.uri().path().to_owned();
        Self { method: request.method().clone(), path, api_version, agent: agent(request.headers()).into() }
    }

    fn log<B>(&self, response: &Response<B>) {
        let Self { method, path, api_version, agent } = self;
        let decision = response.headers().get(DECISION).and_then(|id| id.to_str().ok());
        let status = response.status().as_u16();
        if tracing::enabled!(tracing::Level::TRACE) {
            tracing::debug!(%method, path, status, decision, api_version, %agent, "a request was answered");
        } else {
            tracing::debug!(%method, path, status, decision, "a request was answered");
        }
    }
}

/// A request that is nobody's: the status and the text that it is answered with.
struct Unreadable(u16, &'static str);

impl Line {
    /// Answers a request; it is looked at at once, so that what is carried on is small.
    fn respond(&self, request: http::Request<Incoming>) -> impl Future<Output = Response<Full<Bytes>>> + use<> {
        let (parts, incoming) = request.into_parts();
        let admission = self.read(parts).map(|head| self.pipeline.admit(head));
        let pipeline = self.pipeline.clone();
        async move {
            let admission = match admission {
                Ok(admission) => admission,
                Err(Unreadable(status, why)) => return plain(status, why),
            };
            let read = |sender: Sender| pipeline.bodies().of(sender).read(incoming, sender.most_bytes());
            into_response(pipeline.answer(admission, read).await)
        }
    }

    fn read(&self, parts: http::request::Parts) -> Result<Head, Unreadable> {
        if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES) {
            return Err(Unreadable(414, "The request target is longer than is read."));
        }
        let (headers, uri) = (&parts.headers, &parts.uri);
        let (host, origin, agent, shown) = {
            let mut said = self.said.lock();
            let Some(dialled) = said.dialled(uri, headers, &self.context) else {
                let text = "The Host header is missing, doubled, malformed or at odds with the request line.";
                return Err(Unreadable(400, text));
            };
            let (host, origin) = (dialled.host.clone(), dialled.origin.clone());
            (host, origin, said.agent(headers), said.shown(headers, &self.context))
        };
        Ok(Head {
            site: self.context.site.clone(),
            host,
            origin,
            client: Client { address: self.context.peer, agent },
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            shown,
        })
    }
}

impl Said {
    /// Where a request was sent; `None` where that is not well said.
    fn dialled(&mut self, uri: &Uri, headers: &HeaderMap, context: &ConnectionContext) -> Option<&Dialled> {
        let mut hosts = headers.get_all(HOST).iter();
        let same = match (&self.dialled, hosts.next(), hosts.next(), uri.authority()) {
            (Some(last), Some(host), None, None) => host.as_bytes() == last.authority.as_bytes(),
            _ => false,
        };
        if !same {
            let authority = authority(uri, headers, &context.authority)?;
            let lower = authority.to_ascii_lowercase();
            let origin = format!("{}://{lower}", context.scheme).into();
            self.dialled = Some(Dialled { authority: authority.into(), host: host_of(&lower).into(), origin });
        }
        self.dialled.as_ref()
    }

    fn agent(&mut self, headers: &HeaderMap) -> Arc<str> {
        let agent = agent(headers);
        if *self.agent != *agent {
            self.agent = agent.into();
        }
        self.agent.clone()
    }

    fn shown(&mut self, headers: &HeaderMap, context: &ConnectionContext) -> Arc<Shown> {
        if !self.shown.is_in(headers) {
            self.shown = Arc::new(Shown::read(headers, context.certificate.clone()));
        }
        self.shown.clone()
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
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
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
mod tests;
