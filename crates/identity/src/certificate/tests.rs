//! Certificates that fit, and each way in which one does not.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn at(second: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(second).unwrap())
}

/// Parameters of a certificate named `name`, good for a day round about now.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = at(NOW - 43_200).into();
    params.not_after = at(NOW + 43_200).into();
    params
}

fn self_signed(params: &CertificateParams) -> ClientCertificate {
    let key = KeyPair::generate().unwrap();
    ClientCertificate { chain: vec![params.self_signed(&key).unwrap().der().to_vec()] }
}

/// An authority, as its own certificate and as an issuer.
fn authority(name: &str) -> (Vec<u8>, Issuer<'static, KeyPair>) {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().to_vec();
    (der, Issuer::new(params, key))
}

fn issued(params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Vec<u8> {
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().to_vec()
}

fn reason(certificate: &ClientCertificate, keys: &AttestationKeys) -> Option<Reason> {
    check(certificate, keys, "dev1", now()).err().map(|fault| fault.reason)
}

fn thumbprints(primary: Option<String>, secondary: Option<String>) -> AttestationKeys {
    AttestationKeys::Thumbprint { primary, secondary }
}

fn sha1(certificate: &ClientCertificate) -> String {
    thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate.chain[0])
}

#[test]
fn a_certificate_is_known_by_either_thumbprint_of_either_kind_in_either_case() {
    let certificate = self_signed(&params("anything"));
    let sha256 = thumbprint(&digest::SHA256, &certificate.chain[0]);
    for print in [sha1(&certificate), sha256.clone(), sha256.to_lowercase()] {
        assert_eq!(reason(&certificate, &thumbprints(Some(print.clone()), None)), None, "{print}");
        assert_eq!(reason(&certificate, &thumbprints(Some("00".repeat(20)), Some(print.clone()))), None, "{print}");
    }
}

#[test]
fn an_unregistered_or_missing_certificate_is_refused() {
    let certificate = self_signed(&params("dev1"));
    let other = self_signed(&params("dev1"));
    let cut = sha1(&certificate)[..38].to_owned();
    for keys in [
        thumbprints(None, None),
        thumbprints(Some(String::new()), Some(String::new())),
        thumbprints(Some(sha1(&other)), None),
        thumbprints(Some(cut), None),
    ] {
        assert_eq!(reason(&certificate, &keys), Some(Reason::CertificateMismatch), "{keys:?}");
    }
    let empty = ClientCertificate { chain: Vec::new() };
    assert_eq!(reason(&empty, &thumbprints(None, None)), Some(Reason::CertificateMismatch));
    let garbage = ClientCertificate { chain: vec![vec![0x30; 40]] };
    assert_eq!(reason(&garbage, &thumbprints(None, None)), Some(Reason::CertificateMismatch));
}

#[test]
fn a_certificate_out_of_its_time_is_refused_though_registered() {
    let mut early = params("dev1");
    early.not_before = at(NOW + 60).into();
    let mut late = params("dev1");
    late.not_after = at(NOW - 60).into();
    for (params, expected) in [(early, Reason::NotYetValid), (late, Reason::Expired)] {
        let certificate = self_signed(&params);
        assert_eq!(reason(&certificate, &thumbprints(Some(sha1(&certificate)), None)), Some(expected));
    }
}

#[test]
fn a_device_with_keys_does_not_sign_in_by_certificate() {
    let keys = AttestationKeys::SymmetricKey { primary: "a".to_owned().into(), secondary: "b".to_owned().into() };
    assert_eq!(reason(&self_signed(&params("dev1")), &keys), Some(Reason::WrongMeans));
    assert_eq!(reason(&self_signed(&params("dev1")), &AttestationKeys::None), Some(Reason::WrongMeans));
}

#[test]
fn a_certificate_of_a_registered_authority_is_known_by_its_name() {
    let (root, issuer) = authority("root");
    let keys = AttestationKeys::CertificateAuthority { roots: vec![root] };
    let mut for_clients = params("dev1");
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for params in [params("dev1"), for_clients] {
        let certificate = ClientCertificate { chain: vec![issued(&params, &issuer)] };
        assert_eq!(
            check(&certificate, &keys, "dev1", now()),
            Ok("issued by a registered authority, and named after the id")
        );
        assert_eq!(check(&certificate, &keys, "dev2", now()).unwrap_err().reason, Reason::CertificateMismatch);
        assert_eq!(check(&certificate, &keys, "DEV1", now()).unwrap_err().reason, Reason::CertificateMismatch);
    }
}

#[test]
fn a_chain_through_an_intermediate_is_followed_only_when_it_is_shown() {
    let (root, root_issuer) = authority("root");
    let keys = AttestationKeys::CertificateAuthority { roots: vec![root] };
    let mut middle = params("middle");
    middle.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let middle_key = KeyPair::generate().unwrap();
    let middle_der = middle.signed_by(&middle_key, &root_issuer).unwrap().der().to_vec();
    let own = issued(&params("dev1"), &Issuer::new(middle, middle_key));
    let whole = ClientCertificate { chain: vec![own.clone(), middle_der] };
    assert_eq!(reason(&whole, &keys), None);
    assert_eq!(reason(&ClientCertificate { chain: vec![own] }, &keys), Some(Reason::CertificateMismatch));
}

#[test]
fn a_certificate_of_another_authority_or_for_servers_or_of_a_device_is_refused() {
    let (root, issuer) = authority("root");
    let (_, stranger) = authority("root");
    let keys = AttestationKeys::CertificateAuthority { roots: vec![root] };
    let mut for_servers = params("dev1");
    for_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = params("dev0").signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
    let by_leaf = issued(&params("dev1"), &Issuer::new(params("dev0"), leaf_key));
    for chain in [
        vec![issued(&params("dev1"), &stranger)],
        vec![issued(&for_servers, &issuer)],
        vec![by_leaf, leaf],
        self_signed(&params("dev1")).chain,
    ] {
        assert_eq!(reason(&ClientCertificate { chain }, &keys), Some(Reason::CertificateMismatch));
    }
    let good = ClientCertificate { chain: vec![issued(&params("dev1"), &issuer)] };
    let none = AttestationKeys::CertificateAuthority { roots: Vec::new() };
    assert_eq!(reason(&good, &none), Some(Reason::CertificateMismatch));
}

#[test]
fn an_authoritys_certificate_out_of_its_time_is_refused() {
    let (root, issuer) = authority("root");
    let keys = AttestationKeys::CertificateAuthority { roots: vec![root] };
    let mut late = params("dev1");
    late.not_after = at(NOW - 60).into();
    assert_eq!(reason(&ClientCertificate { chain: vec![issued(&late, &issuer)] }, &keys), Some(Reason::Expired));
}
