//! The token endpoints, grant by grant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iolite_kernel::{Answer, ServiceError, SignedDuration};
use serde_json::{Value, json};

use super::{adfs, v1, v2};
use crate::certificate::{Algorithm, Certificate};
use crate::issue::AZURE_CLI;
use crate::testing::{
    APP_CLIENT_ID, APP_SECRET, CERTIFICATE, FEDERATION, NOW, PASSWORD, TENANT_ID, World, claims_of, form_of,
    form_request, json_of,
};

const HUB_SCOPE: &str = "https://iothubs.azure.net/.default";
const USER_SCOPE: &str = "https://iothubs.azure.net/.default openid offline_access profile";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn v2_at(world: &World, tenant: &str, form: &[(&str, &str)]) -> Result<Answer, ServiceError> {
    let mut request = form_request("/x", &form_of(form));
    request.params.push(("tenant", tenant.into()));
    v2::run(&world.entra, world.permit(&v2::OPERATION), request).await
}

async fn v2(world: &World, form: &[(&str, &str)]) -> Result<Value, ServiceError> {
    v2_at(world, TENANT_ID, form).await.map(|answer| json_of(&answer))
}

async fn v1(world: &World, form: &[(&str, &str)]) -> Result<Value, ServiceError> {
    let mut request = form_request("/x", &form_of(form));
    request.params.push(("tenant", TENANT_ID.into()));
    v1::run(&world.entra, world.permit(&v1::OPERATION), request).await.map(|answer| json_of(&answer))
}

fn secret_form(scope: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", APP_CLIENT_ID),
        ("client_secret", APP_SECRET),
        ("scope", scope),
    ]
}

fn password_form(password: &str) -> [(&str, &str); 6] {
    [
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("username", "Operator@contoso.example"),
        ("password", password),
        ("scope", USER_SCOPE),
        ("client_info", "1"),
    ]
}

fn number(result: Result<Value, ServiceError>) -> u32 {
    result.unwrap_err().code.number
}

#[tokio::test]
async fn a_secret_gets_a_token_for_the_scopes_resource() {
    let world = World::new();
    let answer = v2_at(&world, TENANT_ID, &secret_form(HUB_SCOPE)).await.unwrap();
    assert_eq!(answer.header("cache-control"), Some("no-store, no-cache"));
    let reply = json_of(&answer);
    assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("Bearer"), &json!(3600)));
    for absent in ["refresh_token", "id_token", "client_info", "scope"] {
        assert!(reply.get(absent).is_none(), "{absent}");
    }
    let token = reply["access_token"].as_str().unwrap();
    assert!(world.verifies(token));
    let claims = claims_of(token);
    assert_eq!((&claims["aud"], &claims["appidacr"]), (&json!("https://iothubs.azure.net"), &json!("1")));
}

#[tokio::test]
async fn the_scopes_slash_stays_in_the_audience() {
    let reply = v2(&World::new(), &secret_form("https://management.core.windows.net//.default")).await.unwrap();
    let claims = claims_of(reply["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://management.core.windows.net/");
}

#[tokio::test]
async fn version_one_names_the_resource_and_writes_its_numbers_as_text() {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", APP_CLIENT_ID),
        ("client_secret", APP_SECRET),
        ("resource", "https://digitaltwins.azure.net"),
    ];
    let reply = v1(&World::new(), &form).await.unwrap();
    assert_eq!(reply["resource"], "https://digitaltwins.azure.net");
    assert_eq!((&reply["expires_in"], &reply["expires_on"]), (&json!("3600"), &json!((NOW + 3600).to_string())));
    assert_eq!(number(v1(&World::new(), &form[..3]).await), 900_144);
}

#[tokio::test]
async fn adfs_takes_a_scope_and_a_resource() {
    let world = World::new();
    for named in [("scope", HUB_SCOPE), ("resource", "https://iothubs.azure.net")] {
        let mut form = secret_form("");
        form[3] = named;
        let request = form_request("/adfs/oauth2/token", &form_of(&form));
        let reply = json_of(&adfs::run(&world.entra, world.permit(&adfs::OPERATION), request).await.unwrap());
        assert_eq!(reply["resource"], "https://iothubs.azure.net");
        assert_eq!(reply["expires_in"], 3600);
    }
}

#[tokio::test]
async fn every_name_of_the_directory_serves_and_no_other() {
    let world = World::new();
    for tenant in [TENANT_ID, "contoso.example", "common", "organizations", "adfs"] {
        assert!(v2_at(&world, tenant, &secret_form(HUB_SCOPE)).await.is_ok(), "{tenant}");
    }
    let refusal = v2_at(&world, "fabrikam.example", &secret_form(HUB_SCOPE)).await.unwrap_err();
    assert_eq!((refusal.code.number, refusal.code.name), (90002, "invalid_request"));
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_told() {
    let world = World::new();
    let with = |at: usize, pair| {
        let mut form = secret_form(HUB_SCOPE);
        form[at] = pair;
        form
    };
    for (form, wanted) in [
        (with(0, ("x", "y")), 900_144),
        (with(0, ("grant_type", "authorization_code")), 70003),
        (with(0, ("grant_type", "magic")), 70003),
        (with(1, ("client_id", "99999999-9999-4999-8999-999999999999")), 700_016),
        (with(2, ("client_secret", "wrong")), 7_000_215),
        (with(2, ("x", "y")), 7_000_216),
        (with(3, ("x", "y")), 900_144),
        (with(3, ("scope", "https://iothubs.azure.net/user_impersonation")), 1_002_012),
        (with(3, ("scope", "https://vault.azure.net/.default")), 500_011),
        (with(3, ("client_id", APP_CLIENT_ID)), 9_002_313),
    ] {
        assert_eq!(number(v2(&world, &form).await), wanted, "{form:?}");
    }
}

#[tokio::test]
async fn a_certificate_gets_a_token() {
    let world = World::new();
    let thumbprint = URL_SAFE_NO_PAD.encode(Certificate::from_pem(&CERTIFICATE.pem).unwrap().sha256);
    let assertion = CERTIFICATE.token(
        Algorithm::Ps256,
        &json!({"alg": "PS256", "x5t#S256": thumbprint}),
        &json!({
            "aud": format!("https://localhost:8443/{TENANT_ID}/oauth2/v2.0/token"),
            "iss": APP_CLIENT_ID, "sub": APP_CLIENT_ID, "exp": NOW + 600, "nbf": NOW, "jti": "once",
        }),
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", APP_CLIENT_ID),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("scope", HUB_SCOPE),
    ];
    // Twice: MSAL sends an assertion again until it runs out.
    for _ in 0..2 {
        let reply = v2(&world, &form).await.unwrap();
        assert_eq!(claims_of(reply["access_token"].as_str().unwrap())["appidacr"], "2");
    }
    world.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(number(v2(&world, &form).await), 700_024);
}

#[tokio::test]
async fn a_workloads_own_identity_gets_a_token() {
    let assertion = FEDERATION.token(
        Algorithm::Rs256,
        &json!({"alg": "RS256", "kid": "cluster"}),
        &json!({
            "iss": "https://cluster.example/", "sub": "system:serviceaccount:ns:app",
            "aud": ["api://AzureADTokenExchange"], "exp": NOW + 600,
        }),
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", APP_CLIENT_ID),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("scope", HUB_SCOPE),
    ];
    let reply = v2(&World::new(), &form).await.unwrap();
    assert_eq!(claims_of(reply["access_token"].as_str().unwrap())["appid"], APP_CLIENT_ID);
}

#[tokio::test]
async fn a_password_gets_all_that_msal_keeps_of_a_user() {
    let world = World::new();
    let reply = v2(&world, &password_form(PASSWORD)).await.unwrap();
    let claims = claims_of(reply["access_token"].as_str().unwrap());
    assert_eq!((&claims["upn"], &claims["scp"]), (&json!("operator@contoso.example"), &json!("user_impersonation")));
    let id_token = claims_of(reply["id_token"].as_str().unwrap());
    assert_eq!((&id_token["aud"], &id_token["preferred_username"]), (&json!(AZURE_CLI), &claims["upn"]));
    let info = URL_SAFE_NO_PAD.decode(reply["client_info"].as_str().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&info).unwrap(), json!({"uid": claims["oid"], "utid": TENANT_ID}));
    let scope = reply["scope"].as_str().unwrap();
    assert!(scope.split(' ').any(|one| one == HUB_SCOPE), "{scope}");
}

#[tokio::test]
async fn a_user_gets_no_more_than_was_asked_for() {
    let mut form = password_form(PASSWORD);
    form[4] = ("scope", HUB_SCOPE);
    form[5] = ("x", "y");
    let reply = v2(&World::new(), &form).await.unwrap();
    for absent in ["refresh_token", "id_token", "client_info"] {
        assert!(reply.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_are_told_apart_as_entra_does() {
    let world = World::new();
    assert_eq!(number(v2(&world, &password_form("wrong")).await), 50126);
    let mut form = password_form(PASSWORD);
    form[2] = ("username", "nobody@contoso.example");
    assert_eq!(number(v2(&world, &form).await), 50034);
    form[2] = ("x", "y");
    assert_eq!(number(v2(&world, &form).await), 900_144);
    world.disable("operator").await;
    assert_eq!(number(v2(&world, &password_form(PASSWORD)).await), 50057);
    assert_eq!(number(v2(&world, &password_form("wrong")).await), 50126, "a stranger learns nothing of the account");
}

#[tokio::test]
async fn a_refresh_token_gets_another_resources_token_and_a_new_one_of_its_kind() {
    let world = World::new();
    let first = v2(&world, &password_form(PASSWORD)).await.unwrap();
    let refresh = first["refresh_token"].as_str().unwrap().to_owned();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", AZURE_CLI),
        ("refresh_token", refresh.as_str()),
        ("scope", "https://management.core.windows.net//.default openid offline_access"),
    ];
    let second = v2(&world, &form).await.unwrap();
    let claims = claims_of(second["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://management.core.windows.net/");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let again = v2(&world, &form[..3]).await.unwrap();
    let claims = claims_of(again["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "https://iothubs.azure.net", "what it was first asked with");
}

#[tokio::test]
async fn a_refresh_token_serves_its_client_its_time_and_its_user() {
    let world = World::new();
    let reply = v2(&world, &password_form(PASSWORD)).await.unwrap();
    let refresh = reply["refresh_token"].as_str().unwrap();
    let form = |client| [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refresh)];
    assert_eq!(number(v2(&world, &form(APP_CLIENT_ID)).await), 70000);
    let unknown = [("grant_type", "refresh_token"), ("client_id", AZURE_CLI), ("refresh_token", "1.x")];
    assert_eq!(number(v2(&world, &unknown).await), 70000);
    world.clock.advance(SignedDuration::from_hours(90 * 24));
    assert_eq!(number(v2(&world, &form(AZURE_CLI)).await), 700_082);
    world.clock.advance(SignedDuration::from_hours(-24));
    world.disable("operator").await;
    assert_eq!(number(v2(&world, &form(AZURE_CLI)).await), 50057);
    world.entra.forget_sessions();
    assert_eq!(number(v2(&world, &form(AZURE_CLI)).await), 70000);
}

#[tokio::test]
async fn a_token_for_nothing_but_sign_in_is_graphs() {
    let mut form = password_form(PASSWORD);
    form[4] = ("scope", "openid profile");
    let reply = v2(&World::new(), &form).await.unwrap();
    let claims = claims_of(reply["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], "00000003-0000-0000-c000-000000000000");
}

#[tokio::test]
async fn a_device_code_is_asked_for_by_its_client_only() {
    let form = [("grant_type", DEVICE_GRANT), ("client_id", AZURE_CLI), ("device_code", "unknown")];
    assert_eq!(number(v2(&World::new(), &form).await), 70018);
    assert_eq!(number(v2(&World::new(), &form[..2]).await), 900_144);
}
