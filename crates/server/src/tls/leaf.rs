//! Leaves: one for localhost and the addresses, and one for each resource's host name when somebody first asks for it.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::Authority;

/// How many minted names are kept; the world has no more resources with names than that at a time.
const MOST_NAMES: usize = 1024;

/// Tells whether a host name is one of the world's.
pub(crate) type KnownNames = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Chooses the certificate by the name the client asks for; unknown names get no handshake.
pub(crate) struct Leaves {
    authority: Arc<Authority>,
    default: Arc<CertifiedKey>,
    known: KnownNames,
    minted: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

/// A leaf could not be made.
#[derive(Debug, thiserror::Error)]
#[error("a server certificate cannot be made: {0}")]
pub(crate) struct LeafError(String);

impl Leaves {
    /// Leaves signed by `authority`, the one for localhost with the loopback addresses and `bound`; `known` tells which names
    /// besides localhost are the world's.
    pub(crate) fn new(authority: Arc<Authority>, bound: Option<IpAddr>, known: KnownNames) -> Result<Self, LeafError> {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        // Nobody dials all addresses at once.
        let other = bound.filter(|address| !address.is_unspecified() && !loopback.contains(address));
        let addresses: Vec<IpAddr> = loopback.into_iter().chain(other).collect();
        let default = Arc::new(mint(&authority, &["localhost", "*.localhost"], &addresses)?);
        Ok(Self { authority, default, known, minted: Mutex::default() })
    }

    fn for_name(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        if name == "localhost" || name.ends_with(".localhost") {
            return Some(self.default.clone());
        }
        if !(self.known)(name) {
            return None;
        }
        let mut minted = self.minted.lock();
        if let Some(found) = minted.get(name) {
            return Some(found.clone());
        }
        let leaf = Arc::new(mint(&self.authority, &[name], &[]).ok()?);
        if minted.len() < MOST_NAMES {
            minted.insert(name.to_owned(), leaf.clone());
        }
        Some(leaf)
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leaves").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name() {
            None => Some(self.default.clone()),
            Some(name) => self.for_name(&name.to_ascii_lowercase()),
        }
    }
}

/// A P-256 leaf: an RSA one costs 2.7 times the CPU per handshake.
fn mint(authority: &Authority, names: &[&str], addresses: &[IpAddr]) -> Result<CertifiedKey, LeafError> {
    let wrong = |error: &dyn fmt::Display| LeafError(error.to_string());
    let key = KeyPair::generate().map_err(|error| wrong(&error))?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names.clone()).map_err(|error| wrong(&error))?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names[0].clone());
    params.distinguished_name = subject;
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    let certificate = params.signed_by(&key, &authority.issuer).map_err(|error| wrong(&error))?;
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| wrong(&error))?;
    let signer = any_ecdsa_type(&private).map_err(|error| wrong(&error))?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_the_worlds_gets_no_leaf() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(folder.path()).unwrap());
        let leaves = Leaves::new(authority, None, Box::new(|name| name == "contoso-hub.azure-devices.net")).unwrap();
        assert!(leaves.for_name("localhost").is_some());
        assert!(leaves.for_name("contoso-hub.azure-devices.net").is_some());
        assert!(leaves.for_name("example.org").is_none());
    }
}
