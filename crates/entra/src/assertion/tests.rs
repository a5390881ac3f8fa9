//! Assertions, good ones and every kind of bad one.

use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::testing::{APP_CLIENT_ID, CERTIFICATE, FEDERATION, NOW, Signer, TENANT_ID, tenant};

const ORIGIN: &str = "https://localhost:8443";

fn x5t() -> Value {
    json!(URL_SAFE.encode(Certificate::from_pem(&CERTIFICATE.pem).unwrap().sha1))
}

fn x5t_s256() -> Value {
    json!(URL_SAFE_NO_PAD.encode(Certificate::from_pem(&CERTIFICATE.pem).unwrap().sha256))
}

fn header() -> Value {
    json!({"typ": "JWT", "alg": "PS256", "x5t#S256": x5t_s256()})
}

fn claims() -> Value {
    json!({
        "aud": format!("{ORIGIN}/{TENANT_ID}/oauth2/v2.0/token"), "iss": APP_CLIENT_ID, "sub": APP_CLIENT_ID,
        "jti": "1", "nbf": NOW, "exp": NOW + 600,
    })
}

fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

fn judge_by(pem: &str, token: &str) -> Result<(), ServiceError> {
    let tenant = tenant();
    let court = Court { tenant: &tenant, origin: ORIGIN, now: Timestamp::from_second(NOW).unwrap() };
    Assertion::read(token)?.prove_own(APP_CLIENT_ID, &[ApplicationCertificate { pem: pem.to_owned() }], &court)
}

fn judge(token: &str) -> Result<(), ServiceError> {
    judge_by(&CERTIFICATE.pem, token)
}

fn code(result: Result<(), ServiceError>) -> u32 {
    result.unwrap_err().code.number
}

fn own(header: &Value, claims: &Value) -> Result<(), ServiceError> {
    judge(&CERTIFICATE.token(Algorithm::Ps256, header, claims))
}

#[test]
fn the_registered_certificate_proves_the_application() {
    own(&header(), &claims()).unwrap();
    let old = json!({"typ": "JWT", "alg": "RS256", "x5t": x5t()});
    judge(&CERTIFICATE.token(Algorithm::Rs256, &old, &claims())).unwrap();
}

#[test]
fn an_assertion_may_come_with_padding_and_fractions_as_azures_sdks_write_them() {
    let claims = with(with(claims(), "exp", json!(1_795_310_568.75)), "iat", json!(NOW));
    let signed = format!("{}.{}", URL_SAFE.encode(header().to_string()), URL_SAFE.encode(format!("{claims} ")));
    let signature = CERTIFICATE.sign(Algorithm::Ps256, signed.as_bytes());
    judge(&format!("{signed}.{}", URL_SAFE.encode(signature))).unwrap();
}

#[test]
fn every_address_of_the_issuer_is_an_audience_and_no_other() {
    for good in [
        format!("{ORIGIN}/contoso.example/oauth2/token"),
        format!("{ORIGIN}/adfs/oauth2/token"),
        format!("{ORIGIN}/{TENANT_ID}/v2.0"),
        format!("https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"),
        format!("https://login.microsoftonline.com/{TENANT_ID}/v2.0"),
        format!("https://sts.windows.net/{TENANT_ID}/"),
    ] {
        own(&header(), &with(claims(), "aud", json!(good))).unwrap();
        own(&header(), &with(claims(), "aud", json!([good]))).unwrap();
        let for_others_too = json!([good, "https://elsewhere.example/token"]);
        assert_eq!(code(own(&header(), &with(claims(), "aud", for_others_too))), 700_023, "{good}");
    }
    for bad in [
        json!("https://localhost:8443"),
        json!(format!("{ORIGIN}/{TENANT_ID}/oauth2/v2.0/token/")),
        json!(format!("{ORIGIN}.evil.example/{TENANT_ID}/oauth2/v2.0/token")),
        json!(format!("{ORIGIN}/fabrikam.example/oauth2/v2.0/token")),
        json!("api://AzureADTokenExchange"),
        json!([]),
    ] {
        assert_eq!(code(own(&header(), &with(claims(), "aud", bad.clone()))), 700_023, "{bad}");
    }
}

#[test]
fn another_certificates_signature_is_refused() {
    let stranger = Signer::valid_until(4000);
    assert_eq!(code(judge(&stranger.token(Algorithm::Ps256, &header(), &claims()))), 700_027);
    let stranger_named = json!({"alg": "PS256", "x5t#S256": URL_SAFE_NO_PAD.encode([7; 32])});
    assert_eq!(code(own(&stranger_named, &claims())), 700_027);
    assert_eq!(code(own(&json!({"alg": "PS256"}), &claims())), 700_027);
}

#[test]
fn both_thumbprints_must_fit_where_both_are_given() {
    own(&with(header(), "x5t", x5t()), &claims()).unwrap();
    assert_eq!(code(own(&with(header(), "x5t", json!("AAAA")), &claims())), 700_027);
}

#[test]
fn the_algorithm_is_from_our_list_and_binds_the_signature() {
    for alg in ["none", "None", "", "HS256", "ES256", "RS512", "rs256"] {
        assert_eq!(code(own(&with(header(), "alg", json!(alg)), &claims())), 50027, "{alg}");
    }
    assert_eq!(code(own(&with(header(), "alg", json!("RS256")), &claims())), 700_027, "signed as PS256");
    assert_eq!(code(own(&with(header(), "alg", json!(["PS256"])), &claims())), 50027);
}

#[test]
fn keys_and_extensions_in_the_header_are_of_no_use() {
    let stranger = Signer::valid_until(4000);
    let carried = with(with(header(), "jwk", json!({"kty": "RSA"})), "x5c", json!([stranger.pem]));
    let carried = with(carried, "jku", json!("http://127.0.0.1/keys"));
    assert_eq!(code(judge(&stranger.token(Algorithm::Ps256, &carried, &claims()))), 700_027);
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        assert_eq!(code(own(&with(header(), name, value), &claims())), 50027, "{name}");
    }
}

#[test]
fn an_assertion_for_someone_else_is_refused() {
    assert_eq!(code(own(&header(), &with(claims(), "sub", json!("other")))), 700_021);
    assert_eq!(code(own(&header(), &with(claims(), "iss", json!("other")))), 700_021);
}

#[test]
fn an_assertion_is_good_within_its_time_and_five_minutes_around() {
    for (nbf, exp, good) in [
        (NOW + 300, NOW + 600, true),
        (NOW + 301, NOW + 600, false),
        (NOW - 900, NOW - 299, true),
        (NOW - 900, NOW - 300, false),
    ] {
        let claims = with(with(claims(), "nbf", json!(nbf)), "exp", json!(exp));
        assert_eq!(own(&header(), &claims).is_ok(), good, "{nbf} {exp}");
        if !good {
            assert_eq!(code(own(&header(), &claims)), 700_024);
        }
    }
    assert_eq!(code(own(&header(), &with(claims(), "exp", json!(-1)))), 700_024);
    for bad in [json!("1795310568"), Value::Null] {
        assert_eq!(code(own(&header(), &with(claims(), "exp", bad))), 50027);
    }
}

#[test]
fn a_certificate_that_ran_out_proves_nothing() {
    let old = Signer::valid_until(2020);
    let thumbprint = URL_SAFE_NO_PAD.encode(Certificate::from_pem(&old.pem).unwrap().sha256);
    let header = json!({"alg": "PS256", "x5t#S256": thumbprint});
    assert_eq!(code(judge_by(&old.pem, &old.token(Algorithm::Ps256, &header, &claims()))), 1_000_502);
}

#[test]
fn what_is_no_token_is_refused() {
    let twice = format!("{{\"alg\":\"none\",{}", &header().to_string()[1..]);
    let parts = [URL_SAFE_NO_PAD.encode(twice), URL_SAFE_NO_PAD.encode(claims().to_string())].join(".");
    let signature = URL_SAFE_NO_PAD.encode(CERTIFICATE.sign(Algorithm::Ps256, parts.as_bytes()));
    let good = CERTIFICATE.token(Algorithm::Ps256, &header(), &claims());
    for bad in [
        String::new(),
        "a.b".to_owned(),
        format!("{good}.e30"),
        good.replace('.', "+"),
        format!("{good}!"),
        format!("{parts}.{signature}"),
        "a".repeat(LONGEST_BYTES + 1),
    ] {
        assert_eq!(code(judge(&bad)), 50027, "{}", clip(&bad));
    }
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    assert_eq!(code(judge(&unsigned)), 700_027);
}

fn trusted() -> FederatedCredential {
    FederatedCredential {
        issuer: "https://cluster.example/".to_owned(),
        subject: "system:serviceaccount:ns:app".to_owned(),
        audience: "api://AzureADTokenExchange".to_owned(),
        public_key_pem: FEDERATION.public_pem(),
    }
}

fn outside() -> Value {
    let FederatedCredential { issuer, subject, audience, .. } = trusted();
    json!({"iss": issuer, "sub": subject, "aud": [audience], "exp": NOW + 600})
}

fn federated_by(signer: &Signer, algorithm: Algorithm, claims: &Value) -> Result<(), ServiceError> {
    let tenant = tenant();
    let court = Court { tenant: &tenant, origin: ORIGIN, now: Timestamp::from_second(NOW).unwrap() };
    let alg = if algorithm == Algorithm::Rs256 { "RS256" } else { "PS256" };
    let token = signer.token(algorithm, &json!({"alg": alg, "kid": "cluster"}), claims);
    Assertion::read(&token)?.prove_federated(&[trusted()], &court)
}

fn federated(claims: &Value) -> Result<(), ServiceError> {
    federated_by(&FEDERATION, Algorithm::Rs256, claims)
}

#[test]
fn a_trusted_outside_identity_proves_the_application() {
    federated(&outside()).unwrap();
    federated(&with(outside(), "aud", json!("api://AzureADTokenExchange"))).unwrap();
}

#[test]
fn an_outside_identity_must_be_the_very_one_that_is_registered() {
    for (name, wrong, number) in [
        ("iss", "https://cluster.example", 700_211),
        ("sub", "system:serviceaccount:ns:App", 700_213),
        ("aud", "api://azureadtokenexchange", 700_212),
    ] {
        assert_eq!(code(federated(&with(outside(), name, json!(wrong)))), number, "{name}");
    }
    assert_eq!(code(federated(&with(outside(), "exp", json!(NOW - 300)))), 700_024);
}

#[test]
fn an_outside_token_is_signed_by_the_registered_key_with_rs256() {
    assert_eq!(code(federated_by(&CERTIFICATE, Algorithm::Rs256, &outside())), 50013);
    assert_eq!(code(federated_by(&FEDERATION, Algorithm::Ps256, &outside())), 50013);
}

#[test]
fn an_application_without_federation_trusts_nobody() {
    let tenant = tenant();
    let court = Court { tenant: &tenant, origin: ORIGIN, now: Timestamp::from_second(NOW).unwrap() };
    let token = FEDERATION.token(Algorithm::Rs256, &json!({"alg": "RS256"}), &outside());
    assert_eq!(code(Assertion::read(&token).unwrap().prove_federated(&[], &court)), 70021);
}
