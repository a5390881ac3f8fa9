//! The device code flow from end to end.

use iolite_kernel::{Body, SignedDuration};
use serde_json::Value;

use super::*;
use crate::device_code::{page, start};
use crate::issue::AZURE_CLI;
use crate::testing::{PASSWORD, World, claims_of, form_of, form_request, json_of, request};
use crate::token::v2;

const SCOPE: &str = "https://management.core.windows.net//.default openid offline_access profile";

async fn started(world: &World) -> Value {
    let form = form_of(&[("client_id", AZURE_CLI), ("scope", SCOPE)]);
    let answer = start::run(&world.entra, world.permit(&start::OPERATION), at("organizations", &form)).await.unwrap();
    json_of(&answer)
}

fn at(tenant: &str, form: &str) -> Request {
    let mut request = form_request("/x", form);
    request.params.push(("tenant", tenant.into()));
    request
}

async fn approve(world: &World, user_code: &str, password: &str, action: &str) -> Result<Answer, ServiceError> {
    let form = form_of(&[
        ("user_code", user_code),
        ("username", "operator@contoso.example"),
        ("password", password),
        ("action", action),
    ]);
    run(&world.entra, world.permit(&OPERATION), at("common", &form)).await
}

async fn ask(world: &World, code: &Value) -> Result<Value, ServiceError> {
    let form = form_of(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", AZURE_CLI),
        ("device_code", code["device_code"].as_str().unwrap()),
        ("client_info", "1"),
    ]);
    v2::run(&world.entra, world.permit(&v2::OPERATION), at("common", &form)).await.map(|answer| json_of(&answer))
}

fn name(result: Result<Value, ServiceError>) -> &'static str {
    result.unwrap_err().code.name
}

#[tokio::test]
async fn a_device_gets_its_token_once_its_user_has_approved() {
    let world = World::new();
    let code = started(&world).await;
    assert_eq!((&code["expires_in"], &code["interval"]), (&900.into(), &5.into()));
    assert_eq!(code["verification_uri"], "https://localhost:8443/organizations/oauth2/deviceauth");
    assert!(code["message"].as_str().unwrap().contains(code["user_code"].as_str().unwrap()));
    assert_eq!(name(ask(&world, &code).await), "authorization_pending");
    assert_eq!(name(ask(&world, &code).await), "slow_down");
    let user_code = code["user_code"].as_str().unwrap();
    let typed = format!("{}-{}", &user_code[..4], user_code[4..].to_lowercase());
    assert_eq!(json_of(&approve(&world, &typed, PASSWORD, "").await.unwrap())["status"], "approved");
    let reply = ask(&world, &code).await.unwrap();
    let claims = claims_of(reply["access_token"].as_str().unwrap());
    assert_eq!(claims["upn"], "operator@contoso.example");
    assert_eq!(claims["aud"], "https://management.core.windows.net/");
    assert!(reply["id_token"].is_string() && reply["client_info"].is_string() && reply["refresh_token"].is_string());
    assert_eq!(name(ask(&world, &code).await), "bad_verification_code");
}

#[tokio::test]
async fn a_declined_device_stays_out() {
    let world = World::new();
    let code = started(&world).await;
    approve(&world, code["user_code"].as_str().unwrap(), PASSWORD, "decline").await.unwrap();
    assert_eq!(name(ask(&world, &code).await), "authorization_declined");
}

#[tokio::test]
async fn a_code_runs_out() {
    let world = World::new();
    let code = started(&world).await;
    world.clock.advance(SignedDuration::from_mins(15));
    assert_eq!(name(ask(&world, &code).await), "expired_token");
    let refusal = approve(&world, code["user_code"].as_str().unwrap(), PASSWORD, "").await.unwrap_err();
    assert_eq!(refusal.code.name, "bad_verification_code");
}

#[tokio::test]
async fn only_the_users_password_lets_a_device_in() {
    let world = World::new();
    let code = started(&world).await;
    let user_code = code["user_code"].as_str().unwrap();
    assert_eq!(approve(&world, user_code, "wrong", "").await.unwrap_err().code.number, 50126);
    assert_eq!(approve(&world, "XXXXXXXXX", PASSWORD, "").await.unwrap_err().code.number, 70018);
    assert_eq!(approve(&world, user_code, PASSWORD, "maybe").await.unwrap_err().code.number, 9_002_313);
    assert_eq!(name(ask(&world, &code).await), "authorization_pending");
}

#[tokio::test]
async fn a_wrong_scope_is_told_to_the_device_at_once() {
    let world = World::new();
    let form = form_of(&[("client_id", AZURE_CLI), ("scope", "https://vault.azure.net/.default")]);
    let refusal = start::run(&world.entra, world.permit(&start::OPERATION), at("common", &form)).await.unwrap_err();
    assert_eq!(refusal.code.number, 500_011);
}

#[tokio::test]
async fn the_page_runs_nothing_and_stands_in_no_frame() {
    let world = World::new();
    let mut request = request("/x");
    request.params.push(("tenant", "common".into()));
    let answer = page::run(&world.entra, world.permit(&page::OPERATION), request).await.unwrap();
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    let Body::Other { bytes, .. } = answer.body else { panic!("a page") };
    assert!(String::from_utf8(bytes.to_vec()).unwrap().contains("name=\"user_code\""));
}

#[tokio::test]
async fn a_scope_too_long_to_be_kept_for_anyone_who_asks_is_refused() {
    let world = World::new();
    let form = form_of(&[("client_id", AZURE_CLI), ("scope", &"openid ".repeat(300))]);
    let answer = start::run(&world.entra, world.permit(&start::OPERATION), at("organizations", &form)).await;
    assert_eq!(answer.unwrap_err().code.number, 9_002_313);
}
