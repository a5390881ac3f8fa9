//! Rows T1 and T2: handshakes that are old, broken or bring strange certificates.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use iolite_testkit::Client;
use rcgen::{CertificateParams, CustomExtension, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConnectionTrafficSecrets, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ground::{DEVICE, Ground, VERSION};

/// A ClientHello of `version` that offers `suites`, without any extension.
fn hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend_from_slice(&[7; 32]);
    body.push(0);
    body.extend_from_slice(&u16::try_from(suites.len() * 2).unwrap().to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend_from_slice(&[1, 0]);
    let mut handshake = vec![1, 0];
    handshake.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend_from_slice(&u16::try_from(handshake.len()).unwrap().to_be_bytes());
    record.extend(handshake);
    record
}

/// What comes back to bytes on the bare port, until the server ends the connection.
async fn answer_to(ground: &Ground, bytes: &[u8]) -> Vec<u8> {
    let mut stream = ground.tcp().await;
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection stays open");
    answer
}

#[tokio::test]
async fn t1_old_versions_and_weak_suites_are_refused_with_an_alert() {
    let ground = Ground::prepare().await;
    let strong = [0xc02b, 0xc02f, 0x1301];
    for (what, hello) in [
        ("SSL 3.0", hello([3, 0], &strong)),
        ("TLS 1.0", hello([3, 1], &strong)),
        ("TLS 1.1", hello([3, 2], &strong)),
        ("RC4", hello([3, 3], &[0x0005, 0x0004])),
        ("3DES", hello([3, 3], &[0x000a, 0xc012])),
        ("export suites", hello([3, 3], &[0x0003, 0x0008])),
        ("no encryption", hello([3, 3], &[0x0001, 0x003b])),
        ("RSA key transport", hello([3, 3], &[0x009c, 0x002f])),
        ("anonymous suites", hello([3, 3], &[0x00a6, 0xc018])),
        ("no suite", hello([3, 3], &[])),
    ] {
        let answer = answer_to(&ground, &hello).await;
        assert!(answer.len() >= 7 && answer[0] == 21 && answer[5] == 2, "{what}: no fatal alert but {answer:?}");
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn t1_what_is_no_handshake_ends_its_own_connection_only() {
    let ground = Ground::prepare().await;
    let mut noise: u32 = 0x9e37_79b9;
    let garbage: Vec<u8> = (0..16 * 1024)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    let whole = hello([3, 3], &[0xc02b]);
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("16 KB of garbage", garbage.clone()),
        ("garbage in a record", [&[22, 3, 1, 0x40, 0][..], &garbage].concat()),
        ("a record of 16 MB in the making", vec![22, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff]),
        ("plain HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("an SSH client", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("half a greeting", whole[..20].to_vec()),
        ("a greeting twice", [whole.clone(), whole].concat()),
        ("application data first", vec![23, 3, 3, 0, 2, 65, 66]),
        ("an alert first", vec![21, 3, 3, 0, 2, 2, 40]),
        ("empty records", [22, 3, 3, 0, 0].repeat(1000)),
    ] {
        let answer = answer_to(&ground, &bytes).await;
        assert!(answer.is_empty() || answer[0] == 21, "{what}: {answer:?}");
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn t1_the_server_name_chooses_a_certificate_and_an_unknown_one_gets_none() {
    let ground = Ground::prepare().await;
    let config = ground.emulator.client().tls();
    for name in ["localhost", "127.0.0.1", "contoso-hub.azure-devices.net", "Contoso-Hub.azure-devices.net"] {
        let dialled = ground.dial_as(config.clone(), name).await;
        assert!(dialled.is_ok(), "{name}: {dialled:?}");
    }
    for name in ["example.org", "contoso-hub.azure-devices.net.example.org", "localhost.example.org", "x"] {
        let dialled = ground.dial_as(config.clone(), name).await;
        assert!(dialled.is_err(), "{name} got a certificate");
    }
    ground.is_unharmed("server names").await;
}

/// The emulator's own authority.
fn trusted(ground: &Ground) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let file = ground.emulator.ready()["ca_certificate"].as_str().unwrap();
    for root in rustls::pki_types::CertificateDer::pem_file_iter(file).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    roots
}

/// A client certificate with its chain and key.
pub(crate) struct Shown {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
}

impl Shown {
    fn by_itself(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().to_vec()], key: key.serialize_der() }
    }

    pub(crate) fn config(&self, ground: &Ground) -> Arc<ClientConfig> {
        let chain = self.chain.iter().map(|der| der.clone().into()).collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Not looked at on this side: what a client may show is for the server to judge.
        let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(key).unwrap());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(trusted(ground));
        Arc::new(builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
    }
}

/// So many octets as DER has them.
fn octets(length: u32) -> Vec<u8> {
    let mut der = vec![0x04, 0x84];
    der.extend_from_slice(&length.to_be_bytes());
    der.resize(der.len() + length as usize, 7);
    der
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// What a device API says to a client that shows this certificate: its status, if any, and the reason on record.
async fn shown_to_device_api(ground: &Ground, shown: &Shown) -> Option<(u16, String)> {
    let client = Client::with_config(shown.config(ground));
    let url = format!("{}/devices/by-certificate/messages/deviceBound?{VERSION}", ground.emulator.origin());
    let credential = iolite_testkit::Credential::none();
    let reply = client.try_send("GET", &url, &credential, &[], Vec::new()).await.ok()?;
    let decision = ground.emulator.decision(&reply).await;
    Some((reply.status, decision["reason"].as_str().unwrap().to_owned()))
}

#[tokio::test]
async fn t1_client_certificates_of_any_make_harm_nobody() {
    let ground = Ground::prepare().await;
    let mut expired = named("by-certificate");
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    let mut authority = named("by-certificate");
    authority.is_ca = IsCa::ExplicitNoCa;
    let mut odd = named("by-certificate");
    odd.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999], vec![0xff; 1000])];
    let mut large = named("by-certificate");
    large.custom_extensions =
        vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999], octets(10 * 1024 * 1024))];
    let unsigned_chain = {
        let mut shown = Shown::by_itself(named("by-certificate"));
        shown.chain.push(Shown::by_itself(named("nobody")).chain.remove(0));
        shown
    };
    let long_chain = {
        let mut shown = Shown::by_itself(named("by-certificate"));
        let one = shown.chain[0].clone();
        shown.chain.extend(std::iter::repeat_n(one, 100));
        shown
    };
    for (what, shown, may_be_heard) in [
        ("expired", Shown::by_itself(expired), true),
        ("not an authority", Shown::by_itself(authority), true),
        ("an extension that is no DER", Shown::by_itself(odd), true),
        ("a chain that is none", unsigned_chain, true),
        ("a chain of 101", long_chain, false),
        ("a certificate of 10 MB", Shown::by_itself(large), false),
    ] {
        match shown_to_device_api(&ground, &shown).await {
            Some((status, reason)) => {
                assert!(may_be_heard, "{what} was let through the handshake: {status} {reason}");
                assert_eq!(status, 401, "{what}: {reason}");
            }
            None => assert!(!may_be_heard, "{what} was not let through the handshake"),
        }
        ground.is_unharmed(what).await;
    }
}

#[tokio::test]
async fn t2_a_device_signs_in_by_its_own_certificate_only() {
    let ground = Ground::prepare().await;
    let (own, spare, other) = (named("by-certificate"), named("anything"), named("by-certificate"));
    let [own, spare, other] = [own, spare, other].map(Shown::by_itself);
    let thumbprint = |shown: &Shown| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &shown.chain[0]);
        crate::ground::hexadecimal(digest.as_ref())
    };
    let thumbprints =
        json!({"primaryThumbprint": thumbprint(&own), "secondaryThumbprint": thumbprint(&spare).to_uppercase()});
    let body =
        json!({"deviceId": "by-certificate", "authentication": {"type": "selfSigned", "x509Thumbprint": thumbprints}});
    let target = format!("/devices/by-certificate?{VERSION}");
    let made = ground.call("PUT", &target, body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    for (what, shown, is_let_in) in
        [("its own", &own, true), ("its spare one, in capitals", &spare, true), ("another of its name", &other, false)]
    {
        let (status, reason) = shown_to_device_api(&ground, shown).await.unwrap();
        assert_eq!(status != 401, is_let_in, "{what}: {reason}");
        assert_eq!(!is_let_in, reason.contains("certificateMismatch"), "{what}: {reason}");
    }
    let service = Client::with_config(own.config(&ground));
    let url = format!("{}/devices/{DEVICE}?{VERSION}", ground.emulator.origin());
    let credential = iolite_testkit::Credential::none();
    let reply = service.send("GET", &url, &credential, &[], Vec::new()).await;
    assert_eq!(reply.status, 401, "a certificate opens no service API");
    let disabled =
        json!({"deviceId": "by-certificate", "status": "disabled", "authentication": made.body["authentication"]});
    let put = ground.send("PUT", &target, &[("if-match", "*")], disabled.to_string()).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let (status, reason) = shown_to_device_api(&ground, &own).await.unwrap();
    assert!(status == 403 && reason.contains("deviceDisabled"), "{status} {reason}");
}

#[tokio::test]
async fn t1_a_resumed_handshake_offers_no_early_data_that_could_be_sent_twice() {
    let ground = Ground::prepare().await;
    let mut config = ClientConfig::clone(&ground.emulator.client().tls());
    config.enable_early_data = true;
    let config = Arc::new(config);
    // Tickets come with the first answer.
    let mut first = ground.dial_as(config.clone(), "localhost").await.unwrap();
    first
        .write_all(format!("{}\r\n", ground.head(&format!("GET /devices/{DEVICE}?{VERSION}"))).as_bytes())
        .await
        .unwrap();
    assert!(first.read(&mut [0; 1024]).await.unwrap() > 0);
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut early = rustls::ClientConnection::new(config.clone(), name).unwrap();
    assert!(early.early_data().is_none(), "early data would be taken");
    let resumed = ground.dial_as(config, "localhost").await.unwrap();
    assert_eq!(resumed.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed), "nothing was shown");
}

/// A client that goes on by itself after the handshake: it knows the keys, and writes records that rustls would not.
struct Renegotiating {
    stream: tokio::net::TcpStream,
    sequence: u64,
    key: LessSafeKey,
    iv: [u8; 12],
}

impl Renegotiating {
    async fn connect(ground: &Ground) -> Self {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
        let provider = Arc::new(rustls::crypto::CryptoProvider { cipher_suites: vec![suite], ..provider });
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS12]);
        let mut config = builder.unwrap().with_root_certificates(trusted(ground)).with_no_client_auth();
        config.enable_secret_extraction = true;
        let (stream, connection) = ground.dial_as(Arc::new(config), "localhost").await.unwrap().into_inner();
        let (sequence, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
        let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = secrets else { panic!("another suite") };
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).unwrap());
        Self { stream, sequence, key, iv: iv.as_ref().try_into().unwrap() }
    }

    /// A record of TLS 1.2: RFC 5246 section 6.2.3.3 with the nonce of RFC 7905 section 2.
    async fn say(&mut self, kind: u8, plain: &[u8]) -> bool {
        let mut nonce = self.iv;
        for (byte, place) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= place;
        }
        let length = u16::try_from(plain.len()).unwrap().to_be_bytes();
        let head = [kind, 3, 3];
        let aad = Aad::from([&self.sequence.to_be_bytes()[..], &head, &length].concat());
        let mut sealed = plain.to_vec();
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).unwrap();
        self.sequence += 1;
        let length = u16::try_from(sealed.len()).unwrap().to_be_bytes();
        self.stream.write_all(&[&head[..], &length, &sealed].concat()).await.is_ok()
    }

    /// The kind of the next record; nothing where the server has ended the connection.
    async fn hear(&mut self) -> Option<u8> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).await.ok()?;
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(head[0])
    }
}

#[tokio::test]
async fn t1_a_handshake_inside_a_connection_is_answered_by_an_alert_and_never_made() {
    let (handshake, alert, data) = (22, 21, 23);
    let ground = Ground::prepare().await;
    let mut client = Renegotiating::connect(&ground).await;
    // The records that come after a handshake is done: tickets are part of it in TLS 1.2.
    let request = format!("{}\r\n", ground.head(&format!("GET /devices/{DEVICE}?{VERSION}")));
    assert!(client.say(data, request.as_bytes()).await);
    assert_eq!(client.hear().await, Some(data), "the records of the test's own are not understood");
    let hello = &hello([3, 3], &[0xcca9, 0x00ff])[5..];
    assert!(client.say(handshake, hello).await);
    assert_eq!(client.hear().await, Some(alert));
    // Whoever insists is heard no more.
    let mut rest = Vec::new();
    for _ in 0..100 {
        if !client.say(handshake, hello).await {
            break;
        }
    }
    let ended = tokio::time::timeout(Duration::from_secs(8), async {
        while let Some(kind) = client.hear().await {
            rest.push(kind);
        }
    });
    assert!(ended.await.is_ok(), "a client that asks for handshakes again and again is listened to");
    assert!(rest.iter().all(|kind| *kind == alert), "{rest:?}");
    ground.is_unharmed("renegotiation").await;
}
