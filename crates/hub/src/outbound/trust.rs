//! Which servers are believed: the public authorities, and those that the wiring adds. Read when the first https request is made,
//! since most emulators never make one.

use std::fmt;
use std::sync::{Arc, OnceLock};

use pki_types::CertificateDer;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use super::OutboundError;

#[derive(Default)]
pub(super) struct Trust {
    added: Vec<Vec<u8>>,
    config: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Trust {
    pub(super) fn new(added: Vec<Vec<u8>>) -> Self {
        Self { added, config: OnceLock::new() }
    }

    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, OutboundError> {
        let config = self.config.get_or_init(|| build(&self.added));
        config.clone().ok_or_else(|| OutboundError::Unreachable("TLS cannot be set up".to_owned()))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trust").field("added", &self.added.len()).finish_non_exhaustive()
    }
}

fn build(added: &[Vec<u8>]) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    roots.add_parsable_certificates(added.iter().map(|der| CertificateDer::from(der.clone())));
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?;
    Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
