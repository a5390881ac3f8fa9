//! One connection, kept open: for tests that ask much, and for those about what an open connection lives through.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Credential, Reply};

type Outgoing = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// A body.
#[derive(Debug, Clone)]
pub enum Sent {
    /// These bytes, with their length announced.
    Whole(Vec<u8>),
    /// A length that is announced, and nothing sent: an operation behind it does not run.
    Announced(u64),
}

/// One open HTTP/1.1 connection.
pub struct Session {
    sender: SendRequest<Outgoing>,
    authority: String,
    driver: tokio::task::JoinHandle<()>,
}

impl Session {
    /// Speaks HTTP on `stream`, to the host called `authority`.
    pub async fn over<S>(stream: S, authority: &str) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // Why a connection ended is what the next request is told.
            connection.await.ok();
        });
        Ok(Self { sender, authority: authority.to_owned(), driver })
    }

    /// Whether the server still holds the connection, as far as it has said.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request for `target`, a path with its query, and reads the whole answer.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        credential: &Credential,
        headers: &[(&str, &str)],
        body: Sent,
    ) -> Result<Reply> {
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.authority.as_str());
        }
        if let Some(value) = credential.value() {
            request = request.header("authorization", value);
        }
        let is_empty = matches!(&body, Sent::Whole(bytes) if bytes.is_empty());
        if !is_empty && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Sent::Whole(bytes) => Full::new(Bytes::from(bytes)).boxed_unsync(),
            Sent::Announced(length) => Announced(length).boxed_unsync(),
        };
        self.sender.ready().await.map_err(|error| anyhow!("{error:?}"))?;
        let response = self.sender.send_request(request.body(body)?).await.map_err(|error| anyhow!("{error:?}"))?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body, bytes })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A body whose length is said and that never comes.
struct Announced(u64);

impl Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
