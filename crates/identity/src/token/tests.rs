//! Rows J1 to J6 of what goes wrong with tokens, one test each, and what a good token gives.

use std::net::TcpListener;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use iolite_kernel::{Service, SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::keys::fixture;
use crate::world::{APP, GROUP, NOW, TENANT, USER, World, claims};
use crate::{Flaw, SigningKey};

const HUB: Door<'static> = Door { service: Service::Hub, origin: "https://localhost:8443" };
const ARM: Door<'static> = Door { service: Service::Arm, origin: "https://localhost:8443" };

fn verifier(world: &World) -> TokenVerifier {
    TokenVerifier::new(world.estate.clone(), world.ground.clone(), Arc::clone(&world.ring))
}

/// What the hub's door makes of `token`.
fn reason_at(verifier: &TokenVerifier, door: Door<'_>, token: &str) -> Option<Reason> {
    verifier.authenticate(&Secret::new(token), door).outcome.err().map(|rejection| rejection.reason)
}

fn reason(token: &str) -> Option<Reason> {
    reason_at(&verifier(&World::new()), HUB, token)
}

/// Good claims with `name` changed, or removed by `null`.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn mint(claims: &Value) -> String {
    fixture::first().sign_token(claims).unwrap()
}

fn encode(value: impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn with_signature(header: impl ToString, payload: impl ToString, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A token with this header, signed with the tenant's own key.
fn own_with_header(header: impl ToString) -> String {
    with_signature(header, claims(), |message| fixture::first().sign(message).unwrap())
}

fn kid() -> String {
    fixture::first().public().kid.clone()
}

#[test]
fn a_good_token_tells_who_holds_it() {
    let found = verifier(&World::new()).authenticate(&Secret::new(mint(&claims())), HUB);
    let Caller::Principal(caller) = &*found.outcome.unwrap() else { panic!("not a principal") };
    assert_eq!((caller.object_id.as_str(), caller.name.as_str()), (APP, "reader-app"));
    assert_eq!(caller.groups, [GROUP]);
    assert_eq!(caller.client_id.as_deref(), Some("client"));
    assert_eq!(caller.expires_at, Timestamp::from_second(NOW + 3600).unwrap());
    let kinds: Vec<CheckKind> = found.checks.iter().map(|check| check.kind).collect();
    assert!(found.checks.iter().all(|check| check.passed));
    assert_eq!(
        kinds,
        [
            CheckKind::Presence,
            CheckKind::KindOfCredential,
            CheckKind::Size,
            CheckKind::Form,
            CheckKind::Algorithm,
            CheckKind::Key,
            CheckKind::Signature,
            CheckKind::Issuer,
            CheckKind::Audience,
            CheckKind::Tenant,
            CheckKind::NotBefore,
            CheckKind::Expiry,
            CheckKind::Principal,
        ]
    );
}

#[test]
fn a_user_is_known_by_its_user_name() {
    let found = verifier(&World::new()).authenticate(&Secret::new(mint(&claims_with("oid", json!(USER)))), HUB);
    assert_eq!(found.outcome.unwrap().display_name(), "operator@contoso.example");
}

#[test]
fn j1_every_algorithm_but_ours_is_refused() {
    for alg in ["none", "None", "nOnE", "NONE", "", "rs256", "RS256 ", "RS384", "RS512", "HS256", "ES256", "PS256"] {
        let header = json!({"alg": alg, "kid": kid()});
        assert_eq!(reason(&own_with_header(&header)), Some(Reason::AlgorithmNotAllowed), "{alg}");
        let bare = with_signature(&header, claims(), |_| Vec::new());
        assert_eq!(reason(&bare), Some(Reason::AlgorithmNotAllowed), "{alg} without a signature");
    }
    for alg in [json!(["RS256"]), json!({"RS256": 1}), json!(256), json!(true), Value::Null] {
        let header = json!({"alg": alg, "kid": kid()});
        assert_eq!(reason(&own_with_header(&header)), Some(Reason::AlgorithmNotAllowed), "{alg}");
    }
    assert_eq!(reason(&own_with_header(json!({"kid": kid()}))), Some(Reason::AlgorithmNotAllowed), "missing");
}

#[test]
fn j1_a_token_without_signature_or_with_other_than_three_parts_is_refused() {
    let good = mint(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!() };
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}."),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}..{signature}"),
    ] {
        assert!(reason(&token).is_some(), "{token}");
    }
    assert_eq!(reason(&format!("{header}.{payload}.")), Some(Reason::BadSignature));
    assert_eq!(reason(&format!("{header}.{payload}.AAAA")), Some(Reason::BadSignature));
}

#[test]
fn j2_the_public_key_is_no_secret_for_hmac() {
    let public = Arc::clone(fixture::first().public());
    let der = public.der();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let modulus = URL_SAFE_NO_PAD.decode(&public.n).unwrap();
    for secret in [der, pem.into_bytes(), public.to_jwk().to_string().into_bytes(), modulus] {
        let token = with_signature(json!({"alg": "HS256", "kid": kid()}), claims(), |message| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        });
        assert_eq!(reason(&token), Some(Reason::AlgorithmNotAllowed));
    }
}

#[test]
fn j2_other_signatures_under_our_key_id_are_refused() {
    let rsa = KeyPair::from_pkcs8(&fixture::first().to_pkcs8().unwrap()).unwrap();
    let pss = |message: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ecdsa = |message: &[u8]| elliptic.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    let header = |alg: &str| json!({"alg": alg, "kid": kid()});
    assert_eq!(reason(&with_signature(header("PS256"), claims(), pss)), Some(Reason::AlgorithmNotAllowed));
    assert_eq!(reason(&with_signature(header("ES256"), claims(), ecdsa)), Some(Reason::AlgorithmNotAllowed));
    assert_eq!(reason(&with_signature(header("RS256"), claims(), pss)), Some(Reason::BadSignature));
    assert_eq!(reason(&with_signature(header("RS256"), claims(), ecdsa)), Some(Reason::BadSignature));
}

#[test]
fn j3_a_key_id_that_names_no_key_of_ours_is_refused() {
    let stranger = fixture::second().public().kid.clone();
    for kid in [
        json!(stranger),
        json!(""),
        json!("../../etc/passwd"),
        json!("' OR 1=1"),
        json!(kid().to_uppercase()),
        json!([kid()]),
        json!(7),
        Value::Null,
    ] {
        let header = json!({"alg": "RS256", "kid": kid});
        assert_eq!(reason(&own_with_header(header)), Some(Reason::UnknownKey), "{kid}");
    }
    assert_eq!(reason(&own_with_header(json!({"alg": "RS256"}))), Some(Reason::UnknownKey), "missing");
    let huge = json!({"alg": "RS256", "kid": "k".repeat(1 << 20)});
    assert_eq!(reason(&own_with_header(huge)), Some(Reason::TooLarge));
}

#[test]
fn j3_keys_and_addresses_inside_a_token_are_of_no_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let here = format!("http://{}/keys", listener.local_addr().unwrap());
    let stranger = fixture::second();
    for (name, value) in [
        ("jwk", stranger.public().to_jwk()),
        ("x5c", json!([STANDARD.encode(stranger.public().der())])),
        ("jku", json!(here)),
        ("x5u", json!(here)),
        ("jku", json!("http://169.254.169.254/metadata")),
    ] {
        for kid in [kid(), stranger.public().kid.clone()] {
            let mut header = json!({"alg": "RS256", "kid": kid});
            header[name] = value.clone();
            let token = with_signature(&header, claims(), |message| stranger.sign(message).unwrap());
            assert!(matches!(reason(&token), Some(Reason::UnknownKey | Reason::BadSignature)), "{header}");
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "someone was asked");
}

#[test]
fn j4_an_audience_must_be_the_services_own_and_one_text() {
    let hub = "https://iothubs.azure.net";
    for audience in [
        json!("https://digitaltwins.azure.net"),
        json!("https://azure-devices-provisioning.net"),
        json!("https://management.azure.com"),
        json!("https://iothubs.azure.net.example"),
        json!("https://iothubs.azure.ne"),
        json!("iothubs.azure.net"),
        json!("x-https://iothubs.azure.net"),
        json!("HTTPS://IOTHUBS.AZURE.NET"),
        json!("https://iothubs.azure.net/"),
        json!("https://iothubs.azure.net//"),
        json!("https://iothubs.chinacloudapi.cn"),
        json!("https://localhost:8443"),
        json!([hub]),
        json!([hub, "https://digitaltwins.azure.net"]),
        json!({"0": hub}),
        json!(""),
        Value::Null,
    ] {
        let token = mint(&claims_with("aud", audience.clone()));
        assert_eq!(reason(&token), Some(Reason::WrongAudience), "{audience}");
    }
}

#[test]
fn j4_resource_manager_takes_its_names_with_a_slash_and_its_own_origin() {
    let verifier = verifier(&World::new());
    for audience in [
        "https://management.azure.com",
        "https://management.azure.com/",
        "https://management.core.windows.net/",
        "https://localhost:8443",
        "https://localhost:8443/",
    ] {
        let token = mint(&claims_with("aud", json!(audience)));
        assert_eq!(reason_at(&verifier, ARM, &token), None, "{audience}");
    }
    for audience in
        ["https://management.azure.com//", "https://localhost", "https://localhost:8444", "https://iothubs.azure.net"]
    {
        let token = mint(&claims_with("aud", json!(audience)));
        assert_eq!(reason_at(&verifier, ARM, &token), Some(Reason::WrongAudience), "{audience}");
    }
}

#[test]
fn j4_a_token_for_one_origin_is_none_for_another_even_when_remembered() {
    let verifier = verifier(&World::new());
    let token = mint(&claims_with("aud", json!("https://localhost:8443")));
    assert_eq!(reason_at(&verifier, ARM, &token), None);
    let other = Door { service: Service::Arm, origin: "https://localhost:9443" };
    assert_eq!(reason_at(&verifier, other, &token), Some(Reason::WrongAudience));
}

#[test]
fn j4_dialling_another_services_name_does_not_make_its_tokens_resource_managers() {
    let verifier = verifier(&World::new());
    let door = Door { service: Service::Arm, origin: "https://iothubs.azure.net" };
    assert_eq!(reason_at(&verifier, door, &mint(&claims())), Some(Reason::WrongAudience));
}

#[test]
fn j4_digital_twins_is_known_by_its_application_id_too() {
    let verifier = verifier(&World::new());
    let door = Door { service: Service::Twins, ..HUB };
    for audience in ["https://digitaltwins.azure.net", "0b07f429-9f4b-4714-9392-cc5e8e80c8b0"] {
        assert_eq!(reason_at(&verifier, door, &mint(&claims_with("aud", json!(audience)))), None, "{audience}");
    }
}

#[test]
fn j4_issuer_version_and_tenant_must_agree() {
    let v1 = format!("https://sts.windows.net/{TENANT}/");
    let v2 = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let issued = |issuer: &Value, version: Value| {
        let mut claims = claims_with("iss", issuer.clone());
        claims["ver"] = version;
        reason(&mint(&claims))
    };
    assert_eq!(issued(&json!(v1), json!("1.0")), None);
    assert_eq!(issued(&json!(v2), json!("2.0")), None);
    for (issuer, version) in [
        (json!(v1), json!("2.0")),
        (json!(v2), json!("1.0")),
        (json!(v1), json!("3.0")),
        (json!(v1), json!(1.0)),
        (json!(v1), Value::Null),
        (json!(format!("{v1}x")), json!("1.0")),
        (json!(v1.trim_end_matches('/')), json!("1.0")),
        (json!([v1]), json!("1.0")),
        (json!("https://sts.windows.net/00000000-0000-0000-0000-000000000000/"), json!("1.0")),
        (json!("https://localhost:8443"), json!("1.0")),
    ] {
        assert_eq!(issued(&issuer, version.clone()), Some(Reason::WrongIssuer), "{issuer} with {version}");
    }
    for tenant in [json!("00000000-0000-0000-0000-000000000000"), json!(""), json!([TENANT]), Value::Null] {
        assert_eq!(reason(&mint(&claims_with("tid", tenant.clone()))), Some(Reason::WrongTenant), "{tenant}");
    }
}

#[test]
fn j4_clocks_may_be_five_minutes_apart_and_no_second_more() {
    for (name, value, expected) in [
        ("exp", NOW - 300, None),
        ("exp", NOW - 301, Some(Reason::Expired)),
        ("nbf", NOW + 300, None),
        ("nbf", NOW + 301, Some(Reason::NotYetValid)),
        ("iat", NOW + 300, None),
        ("iat", NOW + 301, Some(Reason::NotYetValid)),
    ] {
        assert_eq!(reason(&mint(&claims_with(name, json!(value)))), expected, "{name} {}", value - NOW);
    }
}

#[test]
fn j4_times_must_be_numbers_that_are_moments() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1800003600"),
            json!(-1),
            json!(-1.5),
            json!(1e300),
            json!(253_402_300_800_i64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(true),
            json!([NOW]),
            json!({}),
        ] {
            assert_eq!(reason(&mint(&claims_with(name, value.clone()))), Some(Reason::Malformed), "{name} {value}");
        }
    }
    assert_eq!(reason(&mint(&claims_with("exp", Value::Null))), Some(Reason::Malformed), "no exp");
    assert_eq!(reason(&mint(&claims_with("exp", json!(1_800_003_600.5)))), None, "a fraction is a moment");
    let null = claims().to_string().replace(&format!("\"exp\":{}", NOW + 3600), "\"exp\":null");
    let huge = claims().to_string().replace(&format!("\"exp\":{}", NOW + 3600), "\"exp\":1e400");
    for payload in [null, huge] {
        assert!(!payload.contains(&(NOW + 3600).to_string()));
        let token = with_signature(json!({"alg": "RS256", "kid": kid()}), &payload, |message| {
            fixture::first().sign(message).unwrap()
        });
        assert_eq!(reason(&token), Some(Reason::Malformed), "{payload}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_signed_token_is_on_record() {
    let mut claims = claims_with("aud", json!("https://digitaltwins.azure.net"));
    claims["exp"] = json!(NOW - 1000);
    let found = verifier(&World::new()).authenticate(&Secret::new(mint(&claims)), HUB);
    let failed: Vec<CheckKind> = found.checks.iter().filter(|check| !check.passed).map(|check| check.kind).collect();
    assert_eq!(failed, [CheckKind::Audience, CheckKind::Expiry]);
    let rejection = found.outcome.unwrap_err();
    assert_eq!(rejection.reason, Reason::WrongAudience);
    assert_eq!(rejection.detail, "aud is `https://digitaltwins.azure.net`; IoT Hub wants `https://iothubs.azure.net`");
}

#[test]
fn j5_a_retired_key_is_believed_inside_the_overlap_and_never_after_it() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.ring.rotate(fixture::second(), SignedDuration::from_secs(60));
    assert_eq!(reason_at(&verifier, HUB, &token), None, "inside the overlap");
    assert_eq!(reason_at(&verifier, HUB, &token), None, "and remembered");
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownKey));
    assert_eq!(reason_at(&verifier, HUB, &fixture::second().sign_token(&claims()).unwrap()), None);
}

#[test]
fn j5_a_remembered_token_is_forgotten_when_its_key_is_taken_away() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.ring.rotate(fixture::second(), SignedDuration::ZERO);
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownKey));
}

#[test]
fn j5_a_principal_that_is_disabled_or_gone_is_refused_at_once() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.put_principal(APP, "reader-app", false);
    let found = verifier.authenticate(&Secret::new(token.as_str()), HUB);
    assert_eq!(found.outcome.unwrap_err().reason, Reason::UnknownPrincipal);
    let last = found.checks.last().unwrap();
    assert!(last.kind == CheckKind::Principal && !last.passed);
    assert_eq!(found.checks.iter().filter(|check| check.kind == CheckKind::Principal).count(), 1);
    world.put_principal(APP, "reader-app", true);
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    for oid in [json!("0f1e2d3c-0000-4000-8000-00000000ffff"), json!(GROUP), json!(7), json!(""), Value::Null] {
        let token = mint(&claims_with("oid", oid.clone()));
        assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::UnknownPrincipal), "{oid}");
    }
}

#[test]
fn j5_a_remembered_token_follows_the_clock_both_ways() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    world.clock.advance(SignedDuration::from_secs(3600 + 300));
    assert_eq!(reason_at(&verifier, HUB, &token), None, "the last second");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::Expired));
    world.clock.set(Timestamp::from_second(NOW - 300).unwrap());
    assert_eq!(reason_at(&verifier, HUB, &token), None, "the first second");
    world.clock.advance(SignedDuration::from_secs(-1));
    assert_eq!(reason_at(&verifier, HUB, &token), Some(Reason::NotYetValid));
}

#[test]
fn j5_a_remembered_token_opens_no_other_services_door() {
    let verifier = verifier(&World::new());
    let token = mint(&claims());
    assert_eq!(reason_at(&verifier, HUB, &token), None);
    let twins = Door { service: Service::Twins, ..HUB };
    assert_eq!(reason_at(&verifier, twins, &token), Some(Reason::WrongAudience));
    assert_eq!(reason_at(&verifier, HUB, &token), None);
}

#[test]
fn a_remembered_token_brings_its_checks_and_the_directory_as_it_is_now() {
    let world = World::new();
    let verifier = verifier(&world);
    let token = Secret::new(mint(&claims()));
    let first = verifier.authenticate(&token, HUB);
    world.put_principal(APP, "renamed-app", true);
    let second = verifier.authenticate(&token, HUB);
    assert!(Arc::ptr_eq(&first.checks, &second.checks), "the checks are shared");
    assert_eq!(second.outcome.unwrap().display_name(), "renamed-app");
}

#[test]
fn j6_a_name_that_stands_twice_is_refused_in_header_and_claims() {
    let header = json!({"alg": "RS256", "kid": kid()}).to_string();
    let sign = |message: &[u8]| fixture::first().sign(message).unwrap();
    let twice = |text: &str, extra: &str| format!("{},{extra}}}", text.strip_suffix('}').unwrap());
    for extra in ["\"alg\":\"RS256\"", "\"alg\":\"none\"", "\"x\":{\"a\":1,\"a\":2}"] {
        let token = with_signature(twice(&header, extra), claims(), sign);
        assert_eq!(reason(&token), Some(Reason::Malformed), "{extra}");
    }
    for extra in ["\"exp\":9999999999", "\"aud\":\"https://iothubs.azure.net\"", "\"\\u0065xp\":1"] {
        let token = with_signature(&header, twice(&claims().to_string(), extra), sign);
        assert_eq!(reason(&token), Some(Reason::Malformed), "{extra}");
    }
}

#[test]
fn j6_headers_that_change_the_meaning_are_refused() {
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        let mut header = json!({"alg": "RS256", "kid": kid()});
        header[name] = value;
        assert_eq!(reason(&own_with_header(header)), Some(Reason::Malformed), "{name}");
    }
}

#[test]
fn j6_base64_has_one_spelling() {
    // A payload whose length leaves bits over in its last character.
    let mut claims = claims();
    let mut good = mint(&claims);
    while good.split('.').nth(1).unwrap().len().is_multiple_of(4) {
        claims["pad"] = json!(format!("{}x", claims["pad"].as_str().unwrap_or_default()));
        good = mint(&claims);
    }
    assert_eq!(reason(&good), None);
    let parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    for part in 0..3 {
        let bytes = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
        let stray = {
            let mut text = parts[part].clone();
            let last = text.pop().unwrap();
            text.push(char::from(u8::try_from(last).unwrap() + 1));
            text
        };
        for spelling in [
            URL_SAFE.encode(&bytes),
            STANDARD.encode(&bytes),
            format!("{}=", parts[part]),
            format!("{} ", parts[part]),
            format!("\n{}", parts[part]),
            stray,
        ] {
            if spelling == parts[part] {
                continue;
            }
            let mut token = parts.clone();
            token[part] = spelling;
            assert!(reason(&token.join(".")).is_some(), "part {part}: {}", token[part]);
        }
    }
}

#[test]
fn j6_a_token_beyond_the_limit_is_refused_unread() {
    let token = mint(&claims_with("pad", json!("x".repeat(64 * 1024))));
    let found = verifier(&World::new()).authenticate(&Secret::new(token), HUB);
    assert_eq!(found.outcome.unwrap_err().reason, Reason::TooLarge);
    let long = mint(&claims_with("pad", json!("x".repeat(10 * 1024))));
    assert!(long.len() < MAXIMUM_CREDENTIAL_BYTES);
    assert_eq!(reason(&long), None);
}

#[tokio::test]
async fn every_flaw_that_can_be_minted_is_refused_for_what_it_is() {
    let world = tokio::task::spawn_blocking(World::new).await.unwrap();
    let verifier = verifier(&world);
    for (flaw, expected) in [
        (Flaw::BadSignature, Reason::BadSignature),
        (Flaw::Unsigned, Reason::AlgorithmNotAllowed),
        (Flaw::UnknownKey, Reason::UnknownKey),
    ] {
        let token = world.ring.sign_flawed(&claims(), flaw).await.unwrap();
        assert_eq!(reason_at(&verifier, HUB, &token), Some(expected), "{flaw}");
    }
    assert_eq!(reason_at(&verifier, HUB, &world.ring.sign(&claims()).await), None);
}

#[test]
fn no_part_of_a_token_reaches_the_evidence() {
    let world = World::new();
    let verifier = verifier(&world);
    let good = mint(&claims());
    let foreign: SigningKey = fixture::second();
    for token in [good.clone(), foreign.sign_token(&claims()).unwrap(), mint(&claims_with("aud", json!("x")))] {
        let found = verifier.authenticate(&Secret::new(token.as_str()), HUB);
        let shown = format!("{:?}", (&found.checks, &found.outcome));
        for part in token.split('.') {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
