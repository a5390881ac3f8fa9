//! Row T2, authorities: a device below one signs in only while that is registered and verified, over HTTPS and over MQTT.

use std::time::Duration;

use iolite_testkit::{Client, Credential, Reply};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::ground::{Ground, VERSION};
use crate::handshakes::Shown;
use crate::wires::Mqtt;

const DEVICE_ID: &str = "below-an-authority";

/// A hub with a device below an authority of the test's own, which nobody has registered yet.
struct Stage {
    ground: Ground,
    manager: Credential,
    root: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Stage {
    async fn new() -> Self {
        let ground = Ground::prepare().await;
        let manager = ground.emulator.token("owner-app", "arm").await;
        let mut params = named_after("Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        let body = json!({"deviceId": DEVICE_ID, "authentication": {"type": "certificateAuthority"}});
        let made = ground.call("PUT", &format!("/devices/{DEVICE_ID}?{VERSION}"), body).await;
        assert_eq!(made.status, 200, "{}", made.body);
        Self { ground, manager, root, issuer: Issuer::new(params, key) }
    }

    /// A call to Resource Manager about the authority.
    async fn manage(&self, method: &str, tail: &str, etag: &str, body: Value) -> Reply {
        let hub = self.ground.emulator.resource_id("iot_hubs");
        let target = format!("{hub}/certificates/root{tail}?api-version=2023-06-30");
        let headers = [("if-match", etag), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.ground.emulator.call_with(method, &target, &self.manager, &headers, body).await
    }

    fn issued(&self, params: CertificateParams) -> Shown {
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &self.issuer).unwrap();
        Shown { chain: vec![own.der().to_vec()], key: key.serialize_der() }
    }

    /// What the device API says to this certificate: its status, and the reason on record.
    async fn shown(&self, shown: &Shown) -> (u16, String) {
        let client = Client::with_config(shown.config(&self.ground));
        let url = format!("{}/devices/{DEVICE_ID}/files?{VERSION}", self.ground.emulator.origin());
        let body = json!({"blobName": "a"}).to_string().into_bytes();
        let reply = client.send("POST", &url, &Credential::none(), &[], body).await;
        let decision = self.ground.emulator.decision(&reply).await;
        (reply.status, decision["reason"].as_str().unwrap_or_default().to_owned())
    }

    /// A connection over MQTT with this certificate, if the hub accepts it.
    async fn connect(&self, shown: &Shown) -> Option<Mqtt> {
        let address = self.ground.emulator.ready()["iot_hubs"][0]["mqtt"].as_str().unwrap();
        Mqtt::connect(shown.config(&self.ground), address, DEVICE_ID, None).await
    }
}

/// A certificate whose common name this is.
fn named_after(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[tokio::test]
async fn t2_a_device_below_an_authority_signs_in_while_that_is_verified_and_no_longer() {
    let stage = Stage::new().await;
    let device = stage.issued(named_after(DEVICE_ID));
    let (status, reason) = stage.shown(&device).await;
    assert!(status == 401 && reason.contains("untrustedCertificate"), "not registered: {status} {reason}");
    let made = stage.manage("PUT", "", "", json!({"properties": {"certificate": stage.root}})).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let (status, reason) = stage.shown(&device).await;
    assert!(status == 401 && reason.contains("not verified yet"), "{status} {reason}");
    let etag = |reply: &Reply| reply.body["etag"].as_str().unwrap().to_owned();
    let coded = stage.manage("POST", "/generateVerificationCode", &etag(&made), Value::Null).await;
    let code = coded.body["properties"]["verificationCode"].as_str().unwrap().to_owned();
    let proof = named_after(&code).signed_by(&KeyPair::generate().unwrap(), &stage.issuer).unwrap().pem();
    let verified = stage.manage("POST", "/verify", &etag(&coded), json!({"certificate": proof})).await;
    assert_eq!(verified.status, 200, "{}", verified.body);
    let (status, reason) = stage.shown(&device).await;
    assert_eq!(status, 400, "it is let in, and there is no storage: {reason}");
    let (status, reason) = stage.shown(&stage.issued(named_after("another-device"))).await;
    assert!(status == 401 && reason.contains("commonNameMismatch"), "{status} {reason}");

    let connection = stage.connect(&device).await.expect("the hub accepts the device");
    let gone = stage.manage("DELETE", "", &etag(&verified), Value::Null).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    connection.ends_within(Duration::from_secs(5)).await;
    let (status, reason) = stage.shown(&device).await;
    assert!(status == 401 && reason.contains("untrustedCertificate"), "removed: {status} {reason}");
    assert!(stage.connect(&device).await.is_none(), "nor over MQTT");
    stage.ground.is_unharmed_but(&[DEVICE_ID]).await;
}
