//! Certificates that fit, and each way in which one does not.

use std::sync::Arc;
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
    check(certificate, keys, "dev1", now()).reason()
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

fn authorities(roots: &[&[u8]]) -> AttestationKeys {
    AttestationKeys::CertificateAuthority {
        roots: roots.iter().map(|root| Arc::from(*root)).collect(),
        unverified: Vec::new(),
    }
}

fn why(certificate: &ClientCertificate, keys: &AttestationKeys, id: &str) -> Option<Reason> {
    check(certificate, keys, id, now()).reason()
}

#[test]
fn a_certificate_of_a_registered_authority_is_known_by_its_name() {
    let (root, issuer) = authority("root");
    let keys = authorities(&[&root]);
    let mut for_clients = params("dev1");
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for params in [params("dev1"), for_clients] {
        let certificate = ClientCertificate { chain: vec![issued(&params, &issuer)] };
        let footing = examine(&certificate, &keys, "dev1", now(), &mut Trail::new());
        assert_eq!(footing, Ok(Footing::of_authority(&root)));
        assert_eq!(why(&certificate, &keys, "dev2"), Some(Reason::CommonNameMismatch));
        assert_eq!(why(&certificate, &keys, "DEV1"), Some(Reason::CommonNameMismatch));
    }
}

#[test]
fn every_check_of_a_chain_is_on_record() {
    let (root, issuer) = authority("root");
    let certificate = ClientCertificate { chain: vec![issued(&params("dev1"), &issuer)] };
    let checks = check(&certificate, &authorities(&[&root]), "dev2", now()).into_checks();
    let kinds: Vec<_> = checks.iter().map(|check| (check.kind, check.passed)).collect();
    let expected = [
        (CheckKind::Certificate, true),
        (CheckKind::Expiry, true),
        (CheckKind::CommonName, false),
        (CheckKind::Chain, true),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(checks[2].detail, "its common name is `dev1`; wanted `dev2`");
    assert!(checks[3].detail.contains("CN=root"), "{}", checks[3].detail);
}

#[test]
fn a_chain_through_an_intermediate_is_followed_only_when_it_is_shown() {
    let (root, root_issuer) = authority("root");
    let keys = authorities(&[&root]);
    let mut middle = params("middle");
    middle.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let middle_key = KeyPair::generate().unwrap();
    let middle_der = middle.signed_by(&middle_key, &root_issuer).unwrap().der().to_vec();
    let own = issued(&params("dev1"), &Issuer::new(middle, middle_key));
    let whole = ClientCertificate { chain: vec![own.clone(), middle_der.clone()] };
    assert_eq!(reason(&whole, &keys), None);
    let alone = ClientCertificate { chain: vec![own] };
    assert_eq!(reason(&alone, &keys), Some(Reason::UntrustedCertificate));
    assert_eq!(reason(&alone, &authorities(&[&middle_der])), None, "an intermediate can be registered itself");
}

#[test]
fn a_chain_that_is_too_long_or_through_something_that_is_no_authority_is_refused() {
    let (root, root_issuer) = authority("root");
    let keys = authorities(&[&root]);
    let own = issued(&params("dev1"), &root_issuer);
    let long = ClientCertificate { chain: std::iter::once(own).chain(std::iter::repeat_n(root, 100)).collect() };
    assert_eq!(reason(&long, &keys), Some(Reason::UntrustedCertificate));
    let middle_key = KeyPair::generate().unwrap();
    let without_constraints = params("middle").signed_by(&middle_key, &root_issuer).unwrap().der().to_vec();
    let own = issued(&params("dev1"), &Issuer::new(params("middle"), middle_key));
    let chain = ClientCertificate { chain: vec![own, without_constraints] };
    assert_eq!(reason(&chain, &keys), Some(Reason::UntrustedCertificate));
}

#[test]
fn a_certificate_of_another_authority_or_for_servers_or_of_a_device_is_refused() {
    let (root, issuer) = authority("root");
    let (_, stranger) = authority("root");
    let keys = authorities(&[&root]);
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
        assert_eq!(reason(&ClientCertificate { chain }, &keys), Some(Reason::UntrustedCertificate));
    }
    let good = ClientCertificate { chain: vec![issued(&params("dev1"), &issuer)] };
    assert_eq!(reason(&good, &authorities(&[])), Some(Reason::UntrustedCertificate));
}

#[test]
fn an_authority_that_is_not_verified_vouches_for_nobody_and_is_named() {
    let (root, issuer) = authority("root");
    let keys = AttestationKeys::CertificateAuthority { roots: Vec::new(), unverified: vec![root.into()] };
    let certificate = ClientCertificate { chain: vec![issued(&params("dev1"), &issuer)] };
    let checks = check(&certificate, &keys, "dev1", now());
    assert_eq!(checks.reason(), Some(Reason::UntrustedCertificate));
    let detail = checks.into_checks().last().unwrap().detail.clone();
    assert_eq!(detail, "it chains to `CN=root`, which is registered and not verified yet");
}

#[test]
fn a_certificate_or_an_authority_out_of_its_time_is_refused() {
    let (root, issuer) = authority("root");
    let keys = authorities(&[&root]);
    let mut late = params("dev1");
    late.not_after = at(NOW - 60).into();
    assert_eq!(reason(&ClientCertificate { chain: vec![issued(&late, &issuer)] }, &keys), Some(Reason::Expired));
    let mut of_old = params("old");
    of_old.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of_old.not_after = at(NOW - 60).into();
    let key = KeyPair::generate().unwrap();
    let old = of_old.self_signed(&key).unwrap().der().to_vec();
    let chain = vec![issued(&params("dev1"), &Issuer::new(of_old, key))];
    assert_eq!(reason(&ClientCertificate { chain }, &authorities(&[&old])), Some(Reason::Expired));
}

mod first_version {
    //! Certificates of X.509's first version: without extensions, which the libraries do not make any more.

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    use rcgen::PublicKeyData;

    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap();
        let head = if length < 128 {
            vec![tag, u8::try_from(length).unwrap()]
        } else {
            [&[tag, 0x82][..], &length.to_be_bytes()].concat()
        };
        [head, content].concat()
    }

    fn name(common: &str) -> Vec<u8> {
        let value = der(0x0c, &[common.as_bytes()]);
        der(0x30, &[&der(0x31, &[&der(0x30, &[&[6, 3, 0x55, 4, 3], &value])])])
    }

    fn time(second: i64) -> Vec<u8> {
        let text = Timestamp::from_second(second).unwrap().strftime("%y%m%d%H%M%SZ").to_string();
        der(0x17, &[text.as_bytes()])
    }

    /// A certificate of `subject` over a new key, in the name of `issuer` and signed with `key`.
    fn certificate(subject: &str, issuer: &str, key: &KeyPair) -> ClientCertificate {
        let algorithm = der(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
        let validity = der(0x30, &[&time(NOW - 60), &time(NOW + 60)]);
        let own = KeyPair::generate().unwrap().subject_public_key_info();
        let content = der(0x30, &[&der(2, &[&[7]]), &algorithm, &name(issuer), &validity, &name(subject), &own]);
        let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der()).unwrap();
        let signature = signer.sign(&SystemRandom::new(), &content).unwrap();
        let whole = der(0x30, &[&content, &algorithm, &der(3, &[&[0], signature.as_ref()])]);
        ClientCertificate { chain: vec![whole] }
    }

    /// An authority as [`super::authority`] makes them, with its key.
    fn root() -> (Vec<u8>, KeyPair) {
        let mut params = params("root");
        let mut name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, "root");
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().der().to_vec(), key)
    }

    #[test]
    fn it_is_known_by_its_thumbprint() {
        let certificate = certificate("dev1", "dev1", &KeyPair::generate().unwrap());
        assert_eq!(reason(&certificate, &thumbprints(Some(sha1(&certificate)), None)), None);
    }

    #[test]
    fn it_is_taken_straight_below_an_authority() {
        let (root, key) = root();
        let keys = authorities(&[&root]);
        assert_eq!(reason(&certificate("dev1", "root", &key), &keys), None);
        assert_eq!(why(&certificate("dev1", "root", &key), &keys, "dev2"), Some(Reason::CommonNameMismatch));
        let forged = certificate("dev1", "root", &KeyPair::generate().unwrap());
        assert_eq!(reason(&forged, &keys), Some(Reason::UntrustedCertificate));
        let other_name = certificate("dev1", "stranger", &key);
        assert_eq!(reason(&other_name, &keys), Some(Reason::UntrustedCertificate));
    }

    #[test]
    fn it_is_no_authority_itself() {
        let (root, key) = root();
        let middle_key = KeyPair::generate().unwrap();
        let middle = certificate("middle", "root", &key).chain.remove(0);
        let own = issued(&params("dev1"), &Issuer::new(params("middle"), middle_key));
        let chain = ClientCertificate { chain: vec![own, middle] };
        assert_eq!(reason(&chain, &authorities(&[&root])), Some(Reason::UntrustedCertificate));
    }
}
