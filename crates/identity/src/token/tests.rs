//! Rows J1 to J6 of what goes wrong with tokens, one test each, and what a good token gives.

mod claims;
mod header;
mod memory;

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
    verifier
        .authenticate(&Presented::default(), &Secret::new(token), door)
        .outcome
        .err()
        .map(|rejection| rejection.reason)
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
    let found = verifier(&World::new()).authenticate(&Presented::default(), &Secret::new(mint(&claims())), HUB);
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
    let found = verifier(&World::new()).authenticate(
        &Presented::default(),
        &Secret::new(mint(&claims_with("oid", json!(USER)))),
        HUB,
    );
    assert_eq!(found.outcome.unwrap().display_name(), "operator@contoso.example");
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
        let found = verifier.authenticate(&Presented::default(), &Secret::new(token.as_str()), HUB);
        let shown = format!("{:?}", (&found.checks, &found.outcome));
        for part in token.split('.') {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
