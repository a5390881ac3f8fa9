//! A small HTTP client over real sockets, trusting the emulator's authority and nothing else.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Uri};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{Credential, Sent, Session};

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

    /// A client with TLS settings of the test's own.
    #[must_use]
    pub const fn with_config(tls: Arc<ClientConfig>) -> Self {
        Self { tls }
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
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        self.connect(url).await?.send(method, target, credential, headers, Sent::Whole(body)).await
    }

    /// Opens a connection to the origin of `url`, to be used for as many requests as the test likes.
    pub async fn connect(&self, url: &str) -> Result<Session> {
        let uri: Uri = url.parse()?;
        let authority = uri.authority().context("the URL has no host")?.clone();
        let tcp = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(443))).await?;
        tcp.set_nodelay(true)?;
        if uri.scheme_str() == Some("https") {
            let name = ServerName::try_from(authority.host().to_owned())?;
            let stream = TlsConnector::from(self.tls.clone()).connect(name, tcp).await?;
            Session::over(stream, authority.as_str()).await
        } else {
            Session::over(tcp, authority.as_str()).await
        }
    }

    /// Opens a connection to where `url` points, under the name `host`: in the handshake and in each request. So a client
    /// arrives that was sent to this machine by its name server or its hosts file.
    pub async fn connect_as(&self, url: &str, host: &str) -> Result<Session> {
        let uri: Uri = url.parse()?;
        let authority = uri.authority().context("the URL has no host")?;
        let tcp = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(443))).await?;
        tcp.set_nodelay(true)?;
        let stream = TlsConnector::from(self.tls.clone()).connect(ServerName::try_from(host.to_owned())?, tcp).await?;
        Session::over(stream, host).await
    }

    /// The TLS settings, for tests that speak bytes.
    #[must_use]
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }
}
