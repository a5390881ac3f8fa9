//! A small HTTP client over real sockets, trusting the emulator's authority and nothing else.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Credential;

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body as JSON; `null` where it is empty or no JSON.
    pub body: Value,
    /// The body as sent.
    pub bytes: Bytes,
}

impl Reply {
    /// The header `name` as text; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A client of one emulator.
#[derive(Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
}

impl Client {
    /// A client that trusts the authority of the emulator behind `ready`.
    pub fn new(ready: &Value) -> Result<Self> {
        Self::with_certificate(ready, None)
    }

    /// As [`new`](Self::new), showing a client certificate (chain and key, PEM).
    pub fn with_certificate(ready: &Value, certificate: Option<(&str, &str)>) -> Result<Self> {
        let path = ready["ca_certificate"].as_str().context("the ready file names no authority")?;
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(path)? {
            roots.add(root?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
                let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes())?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        Ok(Self { tls: Arc::new(config) })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// Where no answer comes back: a test can't go on then. [`try_send`](Self::try_send) tells instead.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        credential: &Credential,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        self.try_send(method, url, credential, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {url} got no answer: {error:#}"))
    }

    /// Sends a request and reads the whole answer, or tells why there is none.
    pub async fn try_send(
        &self,
        method: &str,
        url: &str,
        credential: &Credential,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply> {
        let uri: Uri = url.parse()?;
        let authority = uri.authority().context("the URL has no host")?.clone();
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut request = Request::builder().method(method).uri(target).header("host", authority.as_str());
        if let Some(value) = credential.value() {
            request = request.header("authorization", value);
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let tcp = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(443))).await?;
        if uri.scheme_str() == Some("https") {
            let name = ServerName::try_from(authority.host().to_owned())?;
            let stream = TlsConnector::from(self.tls.clone()).connect(name, tcp).await?;
            exchange(stream, request).await
        } else {
            exchange(tcp, request).await
        }
    }

    /// The TLS settings, for tests that speak bytes.
    #[must_use]
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| anyhow!("{error:?}"))?;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    drop(sender);
    driver.abort();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body, bytes })
}
