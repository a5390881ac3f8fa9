//! The blob service's REST protocol, as far as [`Blobs`] needs it.
//!
//! Source: Microsoft's pages on the blob service's operations, checked against Azurite. Each call carries the container's own
//! signature and nothing else of the hub.

use bytes::Bytes;
use http::{Method, Request, Response};
use iolite_kernel::Timestamp;

use super::delegation::{self, DelegationKey};
use super::listing::{self, ListingPage};
use super::{BlobError, BlobFuture, BlobProperties, Blobs, Container, ListedBlob};
use crate::outbound::{Outbound, OutboundError};

/// The version whose headers and answers this speaks; the one of the signatures it makes.
const VERSION: &str = "2018-03-28";
/// The first version that knows keys for signatures of identities.
const DELEGATION_VERSION: &str = "2018-11-09";

/// How long an answer may be that is not a blob.
const ANSWER_BYTES: usize = 64 * 1024;

/// How many blobs are asked for at a time, and how long such an answer may be.
const PAGE: usize = 1000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A blob service over HTTP.
#[derive(Debug, Default)]
pub struct BlobClient {
    outbound: Outbound,
}

/// One call.
struct Call<'a> {
    method: Method,
    container: &'a Container,
    blob: Option<&'a str>,
    query: &'a str,
    headers: &'a [(&'static str, &'a str)],
    content: Bytes,
    most: usize,
    version: &'static str,
    /// Whether it is about the account that the container is in.
    of_account: bool,
}

impl BlobClient {
    /// A client that asks by `outbound`.
    #[must_use]
    pub const fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    async fn send(&self, call: Call<'_>) -> Result<Response<Bytes>, BlobError> {
        let scheme = if call.container.is_https() { "https" } else { "http" };
        let target = if call.of_account {
            call.container.account_target(call.query)
        } else {
            call.container.target(call.blob, call.query)
        };
        let uri = format!("{scheme}://{}{target}", call.container.authority());
        let mut request = Request::builder().method(call.method.clone()).uri(uri).header("x-ms-version", call.version);
        if let Some(token) = call.container.bearer() {
            request = request.header("authorization", format!("Bearer {}", token.reveal()));
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(call.content)
            .map_err(|_| BlobError::Unreachable("the request has no valid form".to_owned()))?;
        // A refusal may be longer than what was wanted.
        let answer = self.outbound.exchange(request, call.most.max(ANSWER_BYTES)).await?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return if answer.body().len() > call.most { Err(BlobError::TooLarge(call.most)) } else { Ok(answer) };
        }
        let code = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
        let code: String = code.unwrap_or_default().chars().take(64).collect();
        Err(match status {
            401 | 403 => BlobError::Denied(code),
            404 => BlobError::NotFound(code),
            _ => BlobError::Unexpected(status, code),
        })
    }

    async fn append_block(&self, container: &Container, name: &str, content: Bytes) -> Result<(), BlobError> {
        let blob = Some(name);
        let call = Call { blob, content, query: "comp=appendblock", ..Call::new(Method::PUT, container) };
        self.send(call).await.map(|_| ())
    }

    /// Makes an empty append blob, unless somebody did meanwhile.
    async fn create_append_blob(&self, container: &Container, name: &str) -> Result<(), BlobError> {
        let headers: &[_] = &[("x-ms-blob-type", "AppendBlob"), ("if-none-match", "*")];
        match self.send(Call { blob: Some(name), headers, ..Call::new(Method::PUT, container) }).await {
            Ok(_) | Err(BlobError::Unexpected(409 | 412, _)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn page(&self, container: &Container, prefix: &str, marker: &str) -> Result<ListingPage, BlobError> {
        let query = page_query(prefix, marker);
        let call = Call { query: &query, most: PAGE_BYTES, ..Call::new(Method::GET, container) };
        let answer = self.send(call).await?;
        Ok(listing::read(&String::from_utf8_lossy(answer.body())))
    }
}

/// The query of one page of a listing.
fn page_query(prefix: &str, marker: &str) -> String {
    let mut query = form_urlencoded::Serializer::new("restype=container&comp=list".to_owned());
    query.append_pair("maxresults", &PAGE.to_string());
    for (name, value) in [("prefix", prefix), ("marker", marker)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

impl<'a> Call<'a> {
    const fn new(method: Method, container: &'a Container) -> Self {
        Self {
            method,
            container,
            blob: None,
            query: "",
            headers: &[],
            content: Bytes::new(),
            most: ANSWER_BYTES,
            version: VERSION,
            of_account: false,
        }
    }
}

impl From<OutboundError> for BlobError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::TooLarge(most) => Self::TooLarge(most),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

impl Blobs for BlobClient {
    fn get<'a>(&'a self, container: &'a Container, name: &'a str, most: usize) -> BlobFuture<'a, Bytes> {
        Box::pin(async move {
            let call = Call { blob: Some(name), most, ..Call::new(Method::GET, container) };
            Ok(self.send(call).await?.into_body())
        })
    }

    fn put<'a>(
        &'a self,
        container: &'a Container,
        name: &'a str,
        content_type: &'a str,
        content: Bytes,
    ) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            let headers: &[_] = &[("x-ms-blob-type", "BlockBlob"), ("content-type", content_type)];
            let call = Call { blob: Some(name), headers, content, ..Call::new(Method::PUT, container) };
            self.send(call).await.map(|_| ())
        })
    }

    fn append<'a>(&'a self, container: &'a Container, name: &'a str, content: Bytes) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            match self.append_block(container, name, content.clone()).await {
                Err(BlobError::NotFound(code)) if code != "ContainerNotFound" => {
                    self.create_append_blob(container, name).await?;
                    self.append_block(container, name, content).await
                }
                other => other,
            }
        })
    }

    fn delete<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            self.send(Call { blob: Some(name), ..Call::new(Method::DELETE, container) }).await.map(|_| ())
        })
    }

    fn properties<'a>(&'a self, container: &'a Container, name: &'a str) -> BlobFuture<'a, Option<BlobProperties>> {
        Box::pin(async move {
            let answer = match self.send(Call { blob: Some(name), ..Call::new(Method::HEAD, container) }).await {
                Ok(answer) => answer,
                Err(BlobError::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
            let length = header("content-length").and_then(|text| text.parse().ok());
            let unread = || BlobError::Unexpected(answer.status().as_u16(), "without a length".to_owned());
            let written = header("last-modified").and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
            Ok(Some(BlobProperties {
                length: length.ok_or_else(unread)?,
                updated_at: written.map(|written| written.timestamp()),
            }))
        })
    }

    fn make<'a>(&'a self, container: &'a Container) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            match self.send(Call { query: "restype=container", ..Call::new(Method::PUT, container) }).await {
                Ok(_) | Err(BlobError::Unexpected(409, _)) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn delegation_key<'a>(
        &'a self,
        container: &'a Container,
        from: Timestamp,
        until: Timestamp,
    ) -> BlobFuture<'a, DelegationKey> {
        Box::pin(async move {
            let call = Call {
                content: delegation::wish(from, until).into(),
                headers: &[("content-type", "application/xml")],
                query: "restype=service&comp=userdelegationkey",
                version: DELEGATION_VERSION,
                of_account: true,
                ..Call::new(Method::POST, container)
            };
            let answer = self.send(call).await?;
            let unread = || BlobError::Unexpected(answer.status().as_u16(), "without a key".to_owned());
            DelegationKey::read(&String::from_utf8_lossy(answer.body())).ok_or_else(unread)
        })
    }

    fn list<'a>(&'a self, container: &'a Container, prefix: &'a str, most: usize) -> BlobFuture<'a, Vec<ListedBlob>> {
        Box::pin(async move {
            let (mut blobs, mut marker) = (Vec::new(), String::new());
            loop {
                let page = self.page(container, prefix, &marker).await?;
                blobs.extend(page.blobs);
                match page.next {
                    Some(next) if blobs.len() < most && next != marker => marker = next,
                    _ => break,
                }
            }
            blobs.truncate(most);
            Ok(blobs)
        })
    }
}

#[cfg(test)]
mod tests;
