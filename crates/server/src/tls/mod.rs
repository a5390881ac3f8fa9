//! Certificates and handshakes: the emulator's own authority, leaves for its names, and client certificates that are
//! asked for, proved, and judged later by `identity`.

mod authority;
mod client_certificates;
mod leaf;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;

pub(crate) use authority::Authority;
use client_certificates::AnyCertificate;
pub(crate) use leaf::Leaves;

/// The server side of TLS 1.2 and 1.3 over `leaves`, with client certificates asked for and optional.
pub(crate) fn server_config(leaves: Leaves) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = AnyCertificate::new(&provider);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(leaves));
    // The order of suites is ours: AES, which every machine of today has hardware for.
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
