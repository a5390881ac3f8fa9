//! A running emulator's control API: plain HTTP on loopback, JSON both ways.
//!
//! Called by every command that talks to a running emulator. It passes on what the emulator says, errors included, and
//! judges nothing.

mod find;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::exchange::{Reply, exchange};
use crate::failure::{FAILED, Failure, USAGE};
use crate::global::Global;

/// RFC 3986's unreserved characters stand for themselves in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The control API of one emulator.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    base: Uri,
}

impl Control {
    /// The emulator that the flags, the environment or the default port lead to.
    pub(crate) async fn find(global: &Global) -> Result<Self> {
        find::find(global).await
    }

    /// The control API at `base`, for example `http://localhost:8080/iolite/v1`.
    pub(crate) fn at(base: &str) -> Result<Self> {
        let uri: Uri = base.trim_end_matches('/').parse().with_context(|| format!("`{base}` is not a URL"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            bail!("`{base}` is not a plain http:// address such as {}", find::DEFAULT);
        }
        Ok(Self { base: uri })
    }

    /// Reads `path`, which starts with a slash.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Sends `body`, where there is one, to `path`, which starts with a slash.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        self.call(Method::POST, path, body).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let reply =
            self.send(method, path, body).await.with_context(|| format!("asking the emulator at {}", self.base))?;
        if reply.status.is_success() {
            return Ok(reply.json());
        }
        Err(refusal(&reply).into())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.path().trim_end_matches('/')))
            .header(header::HOST, self.base.authority().map(http::uri::Authority::as_str).unwrap_or_default())
            .header(header::USER_AGENT, concat!("iolite/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |value| value.to_string().into());
        let request = request.body(Full::new(body)).context("the request cannot be written")?;
        exchange(self.connect().await?, request).await
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let host = self.base.host().unwrap_or_default().trim_matches(['[', ']']);
        TcpStream::connect((host, self.base.port_u16().unwrap_or(80))).await
    }
}

/// A query from the values that are there, with its question mark; empty where none is.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            written.append_pair(name, value);
        }
    }
    match written.finish() {
        empty if empty.is_empty() => empty,
        query => format!("?{query}"),
    }
}

/// A name as one segment of a path.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// What the emulator said when it refused, as a failure of the command.
fn refusal(reply: &Reply) -> Failure {
    let json = reply.json();
    let text = match (json["error"]["message"].as_str(), json["error"]["code"].as_str()) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => message.to_owned(),
        _ => format!("the emulator answered {}, without a reason", reply.status),
    };
    // A question that names what there is not, or asks for what cannot be, is the asker's mistake; that something which
    // may well have been there is not, such as a decision or a copy, is none.
    let code = if reply.status == StatusCode::BAD_REQUEST { USAGE } else { FAILED };
    Failure { code, text }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn a_query_leaves_out_what_is_not_set() {
        assert_eq!(query(&[("action", Some("a/b c")), ("operation", None)]), "?action=a%2Fb+c");
        assert_eq!(query(&[("action", None)]), "");
    }

    #[test]
    fn a_name_with_a_slash_stays_one_segment() {
        assert_eq!(segment("../a b"), "..%2Fa%20b");
    }

    #[test]
    fn the_emulators_own_words_reach_the_user() {
        let reply = Reply {
            status: StatusCode::NOT_FOUND,
            headers: HeaderMap::new(),
            body: Bytes::from_static(br#"{"error":{"code":"NotFound","message":"there is no hub `x`"}}"#),
        };
        assert_eq!(refusal(&reply).text, "there is no hub `x` (NotFound)");
    }

    #[test]
    fn a_question_that_cannot_be_answered_ends_with_two_and_a_thing_that_is_not_there_with_one() {
        let status = |status| refusal(&Reply { status, headers: HeaderMap::new(), body: Bytes::new() }).code;
        assert_eq!(status(StatusCode::BAD_REQUEST), 2);
        assert_eq!(status(StatusCode::NOT_FOUND), 1);
        assert_eq!(status(StatusCode::INTERNAL_SERVER_ERROR), 1);
    }

    #[test]
    fn only_plain_http_is_a_control_address() {
        assert!(Control::at("http://localhost:8080/iolite/v1/").is_ok());
        assert!(Control::at("http://[::1]:8080/iolite/v1").is_ok());
        for bad in ["https://localhost:8080/", "localhost:8080", "http:///x", "not a url", ""] {
            assert!(Control::at(bad).is_err(), "{bad}");
        }
    }
}
