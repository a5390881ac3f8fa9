//! HTTPS to the demo's emulator: its own certificate authority is the only one that is trusted.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::Full;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::exchange::{Reply, exchange};

/// A client that trusts one certificate authority.
pub(super) struct Https {
    connector: TlsConnector,
}

impl Https {
    /// Trusts the certificates in this PEM file, and nothing else.
    pub(super) fn trusting(ca_certificate: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let unreadable = || format!("the CA certificate {} cannot be read", ca_certificate.display());
        for certificate in CertificateDer::pem_file_iter(ca_certificate).with_context(unreadable)? {
            roots.add(certificate.with_context(unreadable)?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a request, whose URI is absolute, on a connection of its own.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply> {
        let (mut head, body) = request.into_parts();
        let uri = std::mem::take(&mut head.uri);
        let host = uri.host().context("the address has no host")?.to_owned();
        let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443))).await?;
        let stream = self.connector.connect(ServerName::try_from(host)?, stream).await.context("TLS")?;
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        head.headers.insert(header::HOST, authority.parse()?);
        head.uri = uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()));
        exchange(stream, Request::from_parts(head, body)).await
    }
}
