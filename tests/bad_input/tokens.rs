//! Rows J1 to J7: bad Entra tokens at the hub's door, over the wire. The verifier's own tests try many more.

use std::net::TcpListener;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{encoding::AsDer, encoding::PublicKeyX509Der, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use iolite_identity::SigningKey;
use iolite_testkit::Credential;
use serde_json::{Value, json};

use crate::ground::{DEVICE, Ground, VERSION};

/// Makes tokens with the emulator's own key, which only a test can get at.
struct Forge {
    ours: SigningKey,
    header: Value,
    claims: Value,
}

impl Forge {
    async fn light(ground: &Ground) -> Self {
        let good = ground.emulator.token("owner-app", "hub").await;
        let part = |index: usize| -> Value {
            let text = good.value().unwrap().strip_prefix("Bearer ").unwrap().split('.').nth(index).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        let key = std::fs::read(ground.emulator.folder().join("issuer.key")).unwrap();
        Self { ours: SigningKey::from_pkcs8(&key).unwrap(), header: part(0), claims: part(1) }
    }

    fn header_with(&self, changes: Value) -> String {
        with(&self.header, changes).to_string()
    }

    /// A token with these texts, signed with our key by the right algorithm.
    fn signed(&self, header: &str, claims: &str) -> String {
        let text = unsigned(header, claims);
        let signature = self.ours.sign(text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token that is right but for these claims; `null` takes one away.
    fn claiming(&self, changes: Value) -> String {
        self.signed(&self.header.to_string(), &with(&self.claims, changes).to_string())
    }

    fn good(&self) -> String {
        self.claiming(json!({}))
    }
}

fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn with(object: &Value, changes: Value) -> Value {
    let mut changed = object.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            changed.remove(name)
        } else {
            changed.insert(name.clone(), value.clone())
        };
    }
    Value::Object(changed)
}

impl Ground {
    /// The status that a token gets, and the reason on record.
    async fn show(&self, token: &str) -> (u16, String) {
        let credential = Credential::raw(format!("Bearer {token}"));
        let reply = self.emulator.call("GET", &format!("/devices/{DEVICE}?{VERSION}"), &credential, Value::Null).await;
        if reply.status == 401 {
            assert_eq!(reply.header("iothub-errorcode"), "IotHubUnauthorizedAccess", "{}", reply.body);
        }
        let decision = self.emulator.decision(&reply).await;
        (reply.status, decision["reason"].as_str().unwrap().to_owned())
    }

    /// Every one of `tokens` is refused for the reason that goes with it, and the good one is taken, before and after.
    async fn refuses(&self, forge: &Forge, tokens: Vec<(String, &str, String)>) {
        assert_eq!(self.show(&forge.good()).await.0, 200, "the good token");
        let mut wrong = Vec::new();
        for (what, reason, token) in tokens {
            let (status, found) = self.show(&token).await;
            if status != 401 || !found.contains(&format!("({reason})")) {
                wrong.push(format!("{what}: {status} {found}, wanted {reason}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(self.show(&forge.good()).await.0, 200, "the good token, afterwards");
    }
}

#[tokio::test]
async fn j1_algorithms_and_parts_that_are_not_ours_are_refused() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let mut tokens = Vec::new();
    for algorithm in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!(""),
        json!(null),
        json!(["RS256"]),
        json!("RS512"),
        json!("rs256"),
        json!(1),
    ] {
        let header = forge.header_with(json!({"alg": algorithm}));
        let claims = forge.claims.to_string();
        tokens.push((format!("alg {algorithm}"), "algorithmNotAllowed", forge.signed(&header, &claims)));
        tokens.push((
            format!("alg {algorithm} unsigned"),
            "algorithmNotAllowed",
            format!("{}.", unsigned(&header, &claims)),
        ));
    }
    let good = forge.good();
    let parts: Vec<&str> = good.split('.').collect();
    tokens.push(("an empty signature".to_owned(), "badSignature", format!("{}.{}.", parts[0], parts[1])));
    for (what, token) in [
        ("one part", parts[0].to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("five parts", format!("{good}.{}.{}", parts[2], parts[2])),
        ("dots only", "..".to_owned()),
        ("an encrypted token", {
            let header = forge.header_with(json!({"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}));
            let part = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![7; bytes]);
            format!("{}.{}.{}.{}.{}", URL_SAFE_NO_PAD.encode(header), part(256), part(12), part(64), part(16))
        }),
    ] {
        tokens.push((what.to_owned(), "malformed", token));
    }
    ground.refuses(&forge, tokens).await;
}

#[tokio::test]
async fn j2_the_public_key_is_no_secret_and_other_algorithms_no_way_in() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let pair = RsaKeyPair::from_pkcs8(&forge.ours.to_pkcs8().unwrap()).unwrap();
    let der = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    let keys = ground.emulator.call("GET", "/common/discovery/v2.0/keys", &Credential::none(), Value::Null).await.body;
    let jwk = keys["keys"][0].clone();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let mut tokens = Vec::new();
    for (what, secret) in [
        ("PEM", pem.into_bytes()),
        ("DER", der),
        ("PKCS 1", pair.public_key().as_ref().to_vec()),
        ("JWK", jwk.to_string().into_bytes()),
        ("modulus", modulus),
        ("nothing", Vec::new()),
    ] {
        for algorithm in ["HS256", "RS256"] {
            let text = unsigned(&forge.header_with(json!({"alg": algorithm})), &forge.claims.to_string());
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text.as_bytes());
            let reason = if algorithm == "HS256" { "algorithmNotAllowed" } else { "badSignature" };
            tokens.push((format!("{algorithm} by {what}"), reason, format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))));
        }
    }
    let random = SystemRandom::new();
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    for (algorithm, reason) in
        [("PS256", "algorithmNotAllowed"), ("ES256", "algorithmNotAllowed"), ("RS256", "badSignature")]
    {
        let text = unsigned(&forge.header_with(json!({"alg": algorithm})), &forge.claims.to_string());
        let mut padded = vec![0; pair.public_modulus_len()];
        pair.sign(&signature::RSA_PSS_SHA256, &random, text.as_bytes(), &mut padded).unwrap();
        tokens.push((format!("{algorithm} as PSS"), reason, format!("{text}.{}", URL_SAFE_NO_PAD.encode(&padded))));
        let other = elliptic.sign(&random, text.as_bytes()).unwrap();
        tokens.push((
            format!("{algorithm} as ECDSA"),
            reason,
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(other.as_ref())),
        ));
    }
    ground.refuses(&forge, tokens).await;
}

#[tokio::test]
async fn j3_keys_that_a_token_names_or_brings_along_are_not_looked_for() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let claims = forge.claims.to_string();
    let mut tokens = Vec::new();
    for kid in [
        json!(null),
        json!(""),
        json!("other"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!(1),
        json!(["a"]),
        json!("x".repeat(2000)),
        json!(url),
    ] {
        let header = forge.header_with(json!({"kid": kid.clone(), "x5t": kid.clone()}));
        let shown: String = kid.to_string().chars().take(40).collect();
        tokens.push((format!("kid {shown}"), "unknownKey", forge.signed(&header, &claims)));
    }
    let rogue = SigningKey::generate().unwrap();
    let by_rogue = |header: &str| {
        let text = unsigned(header, &claims);
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(rogue.sign(text.as_bytes()).unwrap()))
    };
    let certificate = rcgen::generate_simple_self_signed(vec!["rogue".to_owned()]).unwrap();
    let certificate = STANDARD.encode(certificate.cert.der());
    let keys = ground.emulator.call("GET", "/common/discovery/v2.0/keys", &Credential::none(), Value::Null).await.body;
    for (what, changes) in [
        ("jku", json!({"jku": url})),
        ("x5u", json!({"x5u": url})),
        ("jku of the metadata address", json!({"jku": "http://169.254.169.254/latest"})),
        ("x5c", json!({"x5c": [certificate]})),
        ("jwk", json!({"jwk": keys["keys"][0]})),
    ] {
        tokens.push((format!("{what} under our kid"), "badSignature", by_rogue(&forge.header_with(changes.clone()))));
        let stranger = with(&changes, json!({"kid": "rogue"}));
        tokens.push((format!("{what} under another kid"), "unknownKey", by_rogue(&forge.header_with(stranger))));
    }
    let issuer = forge.signed(&forge.header.to_string(), &with(&forge.claims, json!({"iss": url})).to_string());
    tokens.push(("an issuer that is somewhere".to_owned(), "wrongIssuer", issuer));
    ground.refuses(&forge, tokens).await;
    let fetched = listener.accept().map(|(_, peer)| peer);
    assert!(fetched.is_err(), "a key was fetched from where a token said: {fetched:?}");
}

#[tokio::test]
async fn j4_claims_that_are_not_for_this_door_are_refused() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let hub = "https://iothubs.azure.net";
    let mut tokens = Vec::new();
    for (reason, changes) in [
        ("wrongAudience", json!({"aud": "https://azure-devices-provisioning.net"})),
        ("wrongAudience", json!({"aud": "https://iothubs.azure.net/"})),
        ("wrongAudience", json!({"aud": "https://iothubs.azure.net.evil.example"})),
        ("wrongAudience", json!({"aud": "https://iothubs.azure.ne"})),
        ("wrongAudience", json!({"aud": "HTTPS://IOTHUBS.AZURE.NET"})),
        ("wrongAudience", json!({"aud": [hub, "https://vault.azure.net"]})),
        ("wrongAudience", json!({"aud": [hub]})),
        ("wrongAudience", json!({"aud": null})),
        ("wrongAudience", json!({"aud": ground.emulator.origin()})),
        ("wrongIssuer", json!({"iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"})),
        ("wrongIssuer", json!({"iss": null})),
        ("wrongIssuer", json!({"ver": "3.0"})),
        ("wrongIssuer", json!({"ver": null})),
        ("wrongTenant", json!({"tid": "00000000-0000-0000-0000-000000000000"})),
        ("wrongTenant", json!({"tid": null})),
        ("malformed", json!({"exp": null})),
        ("malformed", json!({"exp": "4102444800"})),
        ("malformed", json!({"exp": true})),
        ("malformed", json!({"exp": 1e300})),
        ("malformed", json!({"exp": -1})),
        ("expired", json!({"exp": 0})),
        ("notYetValid", json!({"nbf": 4_102_444_800_i64})),
        ("notYetValid", json!({"iat": 4_102_444_800_i64})),
        ("unknownPrincipal", json!({"oid": "00000000-0000-0000-0000-000000000000"})),
        ("unknownPrincipal", json!({"oid": null})),
        ("unknownPrincipal", json!({"oid": "c0ffee00-0000-4000-8000-000000000120"})),
    ] {
        tokens.push((changes.to_string(), reason, forge.claiming(changes)));
    }
    let other_version = if forge.claims["ver"] == "1.0" { "2.0" } else { "1.0" };
    tokens.push(("the other version".to_owned(), "wrongIssuer", forge.claiming(json!({"ver": other_version}))));
    ground.refuses(&forge, tokens).await;
}

#[tokio::test]
async fn j4_clocks_may_be_three_hundred_seconds_apart_and_no_more() {
    let ground = Ground::prepare().await;
    ground.emulator.control("POST", "/clock", json!({"freeze": true})).await;
    let forge = Forge::light(&ground).await;
    let now = forge.claims["iat"].as_i64().unwrap();
    for (changes, status) in [
        (json!({"exp": now - 300}), 200),
        (json!({"exp": now - 301}), 401),
        (json!({"exp": i64_as_f64(now) - 299.5}), 200),
        (json!({"exp": i64_as_f64(now) - 301.5}), 401),
        (json!({"nbf": now + 300}), 200),
        (json!({"nbf": now + 301}), 401),
        (json!({"iat": now + 300}), 200),
        (json!({"iat": now + 301}), 401),
    ] {
        assert_eq!(ground.show(&forge.claiming(changes.clone())).await.0, status, "{changes}");
    }
}

/// A moment of our times has far fewer digits than a fraction can hold.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in 52 bits")]
fn i64_as_f64(seconds: i64) -> f64 {
    seconds as f64
}

#[tokio::test]
async fn j4_a_time_that_no_number_can_hold_is_refused() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let exp = format!("\"exp\":{}", forge.claims["exp"]);
    let claims = forge.claims.to_string();
    assert!(claims.contains(&exp));
    let tokens = ["1e400", "-1e400", "99999999999999999999999999", "1e-400", "0x7fffffff", "01800003600"].map(|time| {
        let claims = claims.replace(&exp, &format!("\"exp\":{time}"));
        let reason = if time == "1e-400" { "expired" } else { "malformed" };
        (time.to_owned(), reason, forge.signed(&forge.header.to_string(), &claims))
    });
    ground.refuses(&forge, tokens.into()).await;
}

#[tokio::test]
async fn j5_what_was_remembered_is_forgotten_with_its_key_and_its_time() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let good = forge.good();
    assert_eq!(ground.show(&good).await.0, 200);
    ground.emulator.control("POST", "/keys/rotate", json!({"overlapSeconds": 600})).await;
    assert_eq!(ground.show(&good).await.0, 200, "inside the overlap");
    ground.emulator.advance_clock(601).await;
    let (status, reason) = ground.show(&good).await;
    assert!(status == 401 && reason.contains("unknownKey"), "after the overlap: {status} {reason}");

    let fresh = ground.emulator.token("owner-app", "hub").await;
    let target = format!("/devices/{DEVICE}?{VERSION}");
    assert_eq!(ground.emulator.call("GET", &target, &fresh, Value::Null).await.status, 200);
    ground.emulator.control("POST", "/keys/rotate", json!({})).await;
    assert_eq!(ground.emulator.call("GET", &target, &fresh, Value::Null).await.status, 401, "without an overlap");

    let fresh = ground.emulator.token("owner-app", "hub").await;
    assert_eq!(ground.emulator.call("GET", &target, &fresh, Value::Null).await.status, 200);
    ground.emulator.advance_clock(2 * 24 * 3600).await;
    let reply = ground.emulator.call("GET", &target, &fresh, Value::Null).await;
    let reason = ground.emulator.decision(&reply).await["reason"].clone();
    assert!(reply.status == 401 && reason.as_str().unwrap().contains("(expired)"), "{reason}");
}

#[tokio::test]
async fn j6_tokens_with_two_readings_or_no_end_are_refused() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    let good = forge.good();
    let parts: Vec<&str> = good.split('.').collect();
    let decoded: Vec<Vec<u8>> = parts.iter().map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
    assert!(parts[2].contains(['-', '_']), "the two alphabets agree on this signature");
    let mut last = parts[2].to_owned().into_bytes();
    let index = URL_SAFE_ALPHABET.iter().position(|letter| letter == last.last().unwrap()).unwrap();
    *last.last_mut().unwrap() = URL_SAFE_ALPHABET[index ^ 1];
    let mut tokens = vec![
        ("alg twice".to_owned(), "malformed", forge.signed(&twice(&header, "\"alg\":\"none\""), &claims)),
        ("oid twice".to_owned(), "malformed", forge.signed(&header, &twice(&claims, "\"oid\":\"x\""))),
        ("aud twice".to_owned(), "malformed", forge.signed(&header, &twice(&claims, "\"aud\":\"x\""))),
        ("claims that are an array".to_owned(), "malformed", forge.signed(&header, "[]")),
        ("claims that are no JSON".to_owned(), "malformed", forge.signed(&header, "x")),
        ("claims with something behind".to_owned(), "malformed", forge.signed(&header, &format!("{claims} x"))),
        (
            "claims too deep".to_owned(),
            "malformed",
            forge.signed(&header, &format!("{{\"a\":{}1{}}}", "[".repeat(4000), "]".repeat(4000))),
        ),
        ("padding".to_owned(), "malformed", format!("{}.{}.{}", parts[0], parts[1], URL_SAFE.encode(&decoded[2]))),
        (
            "the other alphabet".to_owned(),
            "malformed",
            format!("{}.{}.{}", parts[0], parts[1], STANDARD.encode(&decoded[2])),
        ),
        (
            "the other alphabet without padding".to_owned(),
            "malformed",
            format!("{}.{}.{}", parts[0], parts[1], STANDARD_NO_PAD.encode(&decoded[2])),
        ),
        (
            "loose bits at the end".to_owned(),
            "malformed",
            format!("{}.{}.{}", parts[0], parts[1], String::from_utf8(last).unwrap()),
        ),
        ("a token of 20 KB".to_owned(), "tooLarge", forge.claiming(json!({"padding": "x".repeat(14_500)}))),
        ("a token of 22 KB".to_owned(), "tooLarge", "x".repeat(22_000)),
    ];
    for changes in [
        json!({"crit": ["exp"]}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"zip": "DEF"}),
        json!({"typ": "at+jwt"}),
        json!({"typ": 1}),
    ] {
        tokens.push((changes.to_string(), "malformed", forge.signed(&forge.header_with(changes), &claims)));
    }
    ground.refuses(&forge, tokens).await;
    ground.is_unharmed("tokens of every kind").await;
}

/// Such tokens are larger than a request's head may be, which is refused before anybody reads a token.
#[tokio::test]
async fn j3_j6_a_token_of_a_megabyte_is_not_read_at_all() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let kid = forge.header_with(json!({"kid": "k".repeat(1 << 20)}));
    for token in [forge.signed(&kid, &forge.claims.to_string()), forge.claiming(json!({"x": "y".repeat(64 * 1024)}))] {
        let line = format!("GET /devices/{DEVICE}?{VERSION} HTTP/1.1\r\nHost: localhost:{}", ground.port());
        let mut wire = ground.dial().await;
        wire.say(format!("{line}\r\nAuthorization: Bearer {token}\r\n\r\n")).await;
        let heard = wire.hear_to_the_end("a token of a megabyte").await;
        assert_eq!(heard.statuses(), [431], "{heard:?}");
    }
    ground.is_unharmed("tokens of a megabyte").await;
}

const URL_SAFE_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[tokio::test]
async fn j7_what_a_token_says_of_roles_gives_none() {
    let ground = Ground::prepare().await;
    let forge = Forge::light(&ground).await;
    let reader = json!({"oid": "c0ffee00-0000-4000-8000-000000000112"});
    for claim in [
        json!({"roles": ["IoT Hub Data Contributor"]}),
        json!({"roles": "IoT Hub Data Contributor"}),
        json!({"wids": ["62e90394-69f5-4237-9190-012177145e10"]}),
        json!({"scp": "user_impersonation IoTHub.Admin"}),
        json!({"groups": ["c0ffee00-0000-4000-8000-000000000120"]}),
        json!({"idtyp": "user"}),
    ] {
        let token = forge.claiming(with(&reader, claim.clone()));
        let credential = Credential::raw(format!("Bearer {token}"));
        let target = format!("/devices/{DEVICE}?{VERSION}");
        assert_eq!(ground.emulator.call("GET", &target, &credential, Value::Null).await.status, 200, "{claim}");
        let reply = ground.emulator.call_with("DELETE", &target, &credential, &[("if-match", "*")], "").await;
        assert_eq!(reply.status, 401, "{claim}: {}", reply.body);
        assert_eq!(reply.header("iothub-errorcode"), "IotHubUnauthorized", "{claim}");
        assert!(reply.body["Message"].as_str().unwrap().contains("reader-app"), "{}", reply.body);
    }
    ground.is_unharmed("claims of roles").await;
}

/// Digital Twins answers 403 where the hub answers 401; what would help is in the decision, not on the wire.
#[tokio::test]
async fn j7_a_role_for_one_action_gives_no_other_and_the_one_that_would_is_named() {
    let ground = Ground::prepare().await;
    let emulator = &ground.emulator;
    let owner = emulator.token("owner-app", "twins").await;
    let model = json!([{"@id": "dtmi:test:Press;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"}]);
    let models = "/models?api-version=2023-10-31";
    assert_eq!(emulator.call("POST", models, &owner, model.clone()).await.status, 201);
    let id = emulator.resource_id("digital_twins");
    let arm = emulator.token("owner-app", "arm").await;
    let reader = "d57506d4-4c8d-48b1-8587-93c323f6a5a3";
    let assignment = json!({"properties": {
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{reader}"),
        "principalId": "c0ffee00-0000-4000-8000-000000000112",
    }});
    let target = format!(
        "{id}/providers/Microsoft.Authorization/roleAssignments/c0ffee00-0000-4000-8000-0000000007f1?api-version=2022-04-01"
    );
    let given = emulator.call("PUT", &target, &arm, assignment).await;
    assert_eq!(given.status, 201, "{}", given.body);
    let token = emulator.token("reader-app", "twins").await;
    assert_eq!(emulator.call("GET", models, &token, Value::Null).await.status, 200, "what the role is for");
    let denied = emulator.call("DELETE", "/models/dtmi:test:Press;1?api-version=2023-10-31", &token, Value::Null).await;
    assert_eq!(denied.status, 403, "{}", denied.body);
    let decision = emulator.decision(&denied).await;
    assert_eq!(decision["suggestion"]["role"], "Azure Digital Twins Data Owner", "{decision}");
    assert_eq!(emulator.call("GET", models, &owner, Value::Null).await.body["value"].as_array().unwrap().len(), 1);
}
