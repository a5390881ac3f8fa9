//! Handshakes in memory, with client certificates of either version.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedProtocolVersion};

use super::*;
use crate::tls::{Authority, Leaves, server_config};

/// The listener's own side of TLS, and the authority that its clients trust.
struct Listener {
    config: Arc<rustls::ServerConfig>,
    roots: RootCertStore,
    _folder: tempfile::TempDir,
}

impl Listener {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(folder.path()).unwrap());
        let (_, pem) = x509_parser::pem::parse_x509_pem(authority.pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(pem.contents.into()).unwrap();
        let leaves = Leaves::new(authority, None, Box::new(|_| false)).unwrap();
        Self { config: Arc::new(server_config(leaves).unwrap()), roots, _folder: folder }
    }

    /// Shakes hands with a client that shows `chain` and signs with `key`; how many certificates the server was shown.
    fn shake(
        &self,
        version: &'static SupportedProtocolVersion,
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
    ) -> Result<usize, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signer = provider.key_provider.load_private_key(key).unwrap();
        let shows_some = !chain.is_empty();
        let shown = rustls::sign::CertifiedKey::new(chain, signer);
        let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(shown));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let config =
            if shows_some { builder.with_client_cert_resolver(resolver) } else { builder.with_no_client_auth() };
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut server = ServerConnection::new(self.config.clone()).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            if !client.wants_write() && !server.wants_write() {
                return Err(Error::HandshakeNotComplete);
            }
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut wire = &wire[..];
            while !wire.is_empty() {
                server.read_tls(&mut wire).unwrap();
                server.process_new_packets()?;
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut wire = &wire[..];
            while !wire.is_empty() {
                client.read_tls(&mut wire).unwrap();
                client.process_new_packets()?;
            }
        }
        Ok(server.peer_certificates().map_or(0, <[_]>::len))
    }
}

fn third_version(key: &KeyPair) -> CertificateDer<'static> {
    CertificateParams::default().self_signed(key).unwrap().der().clone()
}

/// A self-signed certificate of X.509's first version, which libraries do not make any more.
fn first_version(key: &KeyPair) -> CertificateDer<'static> {
    let algorithm = der(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let name = der(0x30, &[&der(0x31, &[&der(0x30, &[&[6, 3, 0x55, 4, 3], &der(0x0c, &[b"dev1"])])])]);
    let validity = der(0x30, &[&der(0x17, &[b"250101000000Z"]), &der(0x17, &[b"450101000000Z"])]);
    let content = der(0x30, &[&der(2, &[&[1]]), &algorithm, &name, &validity, &name, &key.subject_public_key_info()]);
    let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
    let signature = signer.sign(&SystemRandom::new(), &content).unwrap();
    der(0x30, &[&content, &algorithm, &der(3, &[&[0], signature.as_ref()])]).into()
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let head = match u8::try_from(length) {
        Ok(short @ 0..128) => vec![tag, short],
        _ => [&[tag, 0x82][..], &length.to_be_bytes()].concat(),
    };
    [head, content].concat()
}

#[test]
fn certificates_of_the_first_and_the_third_version_are_taken_with_their_keys() {
    let listener = Listener::new();
    for version in [&TLS12, &TLS13] {
        for make in [first_version, third_version] {
            let key = KeyPair::generate().unwrap();
            assert_eq!(listener.shake(version, vec![make(&key)], &key), Ok(1));
            let other = KeyPair::generate().unwrap();
            assert!(listener.shake(version, vec![make(&key)], &other).is_err(), "another's certificate");
        }
        let ecdsa_384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert_eq!(listener.shake(version, vec![third_version(&ecdsa_384)], &ecdsa_384), Ok(1));
    }
}

#[test]
fn a_client_without_a_certificate_is_let_through() {
    let listener = Listener::new();
    let key = KeyPair::generate().unwrap();
    for version in [&TLS12, &TLS13] {
        assert_eq!(listener.shake(version, Vec::new(), &key), Ok(0));
    }
}

#[test]
fn what_is_no_certificate_and_what_is_too_long_a_chain_ends_the_handshake() {
    let listener = Listener::new();
    let key = KeyPair::generate().unwrap();
    for version in [&TLS12, &TLS13] {
        assert!(listener.shake(version, vec![CertificateDer::from(vec![0x30; 40])], &key).is_err());
        let chain = |length| vec![third_version(&key); length];
        assert_eq!(listener.shake(version, chain(LONGEST_CHAIN), &key), Ok(LONGEST_CHAIN));
        assert!(listener.shake(version, chain(100), &key).is_err());
        let vast = CertificateDer::from(vec![0x30; 10 * 1024 * 1024]);
        assert!(listener.shake(version, vec![third_version(&key), vast], &key).is_err());
    }
}
