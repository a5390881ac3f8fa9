//! Authorities are given, verified, changed and taken away.

use std::time::{Duration, SystemTime};

use iolite_kernel::{Answer, Method, ServiceError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::testing::{GROUP, World, json as body_of};

/// Noon of 22 November 2026.
const NOON: u64 = 1_795_348_800;

struct Standing {
    world: World,
    hub: String,
}

impl Standing {
    async fn new() -> Self {
        let world = World::new().await;
        let hub = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/Hub1");
        world.put(&hub, json!({"location": "westeurope", "sku": {"name": "S1"}})).await.unwrap();
        Self { world, hub }
    }

    fn at(&self, tail: &str) -> String {
        format!("{}/certificates{tail}", self.hub)
    }

    async fn put(&self, name: &str, body: Value) -> Value {
        body_of(&self.world.put(&self.at(&format!("/{name}")), body).await.unwrap())
    }

    /// The same with the etag that `of` shows.
    async fn with(&self, method: Method, tail: &str, of: &Value, body: Option<Value>) -> Result<Answer, ServiceError> {
        let tag = of["etag"].as_str().unwrap().to_owned();
        self.world.call(method, &self.at(tail), &[("if-match", &tag)], body).await
    }
}

fn params(name: &str) -> CertificateParams {
    let at = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = at(NOON - 60).into();
    params.not_after = at(NOON + 86_400).into();
    params
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = params("Contoso Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
}

fn proof(code: &Value, issuer: &Issuer<'_, KeyPair>) -> Value {
    let params = params(code.as_str().unwrap());
    json!({"certificate": params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().pem()})
}

#[tokio::test]
async fn an_authority_is_shown_as_recorded() {
    let standing = Standing::new().await;
    let made = standing.put("root", json!({"properties": {"certificate": authority().0}})).await;
    assert_eq!(made["name"], "root");
    assert_eq!(made["type"], "Microsoft.Devices/IotHubs/Certificates");
    assert!(made["id"].as_str().unwrap().ends_with("/IotHubs/Hub1/certificates/root"), "{made}");
    let properties = &made["properties"];
    assert_eq!(properties["subject"], "Contoso Root");
    assert_eq!(properties["expiry"], "Mon, 23 Nov 2026 12:00:00 GMT");
    assert_eq!(properties["created"], "Sun, 22 Nov 2026 12:00:00 GMT");
    assert_eq!(properties["isVerified"], false);
    assert_eq!(properties["thumbprint"].as_str().unwrap().len(), 40);
    assert!(properties.get("verificationCode").is_none());
    assert_eq!(body_of(&standing.world.get(&standing.at("/ROOT")).await.unwrap()), made);
    assert_eq!(body_of(&standing.world.get(&standing.at("")).await.unwrap())["value"], json!([made]));
}

#[tokio::test]
async fn possession_is_proved_by_a_certificate_named_after_the_code() {
    let standing = Standing::new().await;
    let (root, issuer) = authority();
    let made = standing.put("root", json!({"certificate": root})).await;
    let early = standing.with(Method::Post, "/root/verify", &made, Some(proof(&json!("x"), &issuer))).await;
    assert_eq!(early.unwrap_err().code.number, 400_053, "no code was asked for");
    let coded = standing.with(Method::Post, "/root/generateVerificationCode", &made, None).await.unwrap();
    let coded = body_of(&coded);
    let code = &coded["properties"]["verificationCode"];
    assert!(code.as_str().is_some_and(|code| code.len() == 48), "{code}");
    let (_, stranger) = authority();
    for wrong in [proof(code, &stranger), proof(&json!("other"), &issuer)] {
        let refused = standing.with(Method::Post, "/root/verify", &coded, Some(wrong)).await.unwrap_err();
        assert_eq!(refused.code.number, 400_053);
    }
    let verified = standing.with(Method::Post, "/root/verify", &coded, Some(proof(code, &issuer))).await.unwrap();
    assert_eq!(body_of(&verified)["properties"]["isVerified"], true);
    let again = standing.with(Method::Post, "/root/verify", &body_of(&verified), Some(proof(code, &issuer))).await;
    assert_eq!(again.unwrap_err().code.number, 400_053, "a code is good once");
}

#[tokio::test]
async fn an_authority_that_stands_is_changed_by_its_etag_alone() {
    let standing = Standing::new().await;
    let body = |verified: bool| json!({"properties": {"certificate": authority().0, "isVerified": verified}});
    let made = standing.put("root", body(true)).await;
    assert_eq!(made["properties"]["isVerified"], true, "whoever gives it may waive the proof");
    let path = standing.at("/root");
    assert_eq!(standing.world.put(&path, body(false)).await.unwrap_err().code.status, 412);
    assert_eq!(standing.world.delete(&path).await.unwrap_err().code.status, 412);
    let changed = standing.with(Method::Put, "/root", &made, Some(body(false))).await.unwrap();
    assert_eq!(body_of(&changed)["properties"]["isVerified"], false, "another certificate is unverified");
    for (method, tail) in
        [(Method::Put, "/root"), (Method::Delete, "/root"), (Method::Post, "/root/generateVerificationCode")]
    {
        let stale = standing.with(method, tail, &made, Some(body(true))).await.unwrap_err();
        assert_eq!(stale.code.status, 412, "{method} {tail}");
    }
    let gone = standing.with(Method::Delete, "/root", &body_of(&changed), None).await.unwrap();
    assert_eq!(gone.status, 200);
    assert_eq!(standing.with(Method::Delete, "/root", &body_of(&changed), None).await.unwrap().status, 204);
    assert_eq!(standing.world.get(&path).await.unwrap_err().code.number, 404_008);
}

#[tokio::test]
async fn what_is_no_authority_is_refused() {
    let standing = Standing::new().await;
    let leaf = params("dev1").self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    for body in [
        json!({}),
        json!({"properties": {"certificate": ""}}),
        json!({"properties": {"certificate": "no certificate"}}),
        json!({"properties": {"certificate": 7}}),
        json!({"properties": {"certificate": leaf}}),
        json!({"properties": {"certificate": authority().0, "isVerified": "yes"}}),
    ] {
        assert_eq!(standing.world.put(&standing.at("/a"), body.clone()).await.unwrap_err().code.status, 400, "{body}");
    }
    let body = json!({"certificate": authority().0});
    for name in ["a%20b", &"a".repeat(65)] {
        let refused = standing.world.put(&standing.at(&format!("/{name}")), body.clone()).await.unwrap_err();
        assert_eq!(refused.code.status, 400, "{name}");
    }
    assert_eq!(standing.world.arm.estate.certificates.count(""), 0);
}

#[tokio::test]
async fn a_hub_has_twenty_five_and_loses_them_when_it_goes() {
    let standing = Standing::new().await;
    let body = json!({"certificate": authority().0});
    for number in 0..25 {
        standing.put(&format!("ca{number}"), body.clone()).await;
    }
    let refused = standing.world.put(&standing.at("/one-more"), body).await.unwrap_err();
    assert_eq!(refused.code.name, "CertificateLimitReached");
    standing.world.delete(&standing.hub).await.unwrap();
    assert_eq!(standing.world.arm.estate.certificates.count(""), 0);
}
