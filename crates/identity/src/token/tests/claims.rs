//! Row J4: what a token's claims can have wrong.

use super::*;

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
    let vault = "https://vault.azure.net";
    let door = Door { service: Service::Arm, origin: vault };
    assert_eq!(reason_at(&verifier, door, &mint(&claims_with("aud", json!(vault)))), Some(Reason::WrongAudience));
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
    let found = verifier(&World::new()).authenticate(&Presented::default(), &Secret::new(mint(&claims)), HUB);
    let failed: Vec<CheckKind> = found.checks.iter().filter(|check| !check.passed).map(|check| check.kind).collect();
    assert_eq!(failed, [CheckKind::Audience, CheckKind::Expiry]);
    let rejection = found.outcome.unwrap_err();
    assert_eq!(rejection.reason, Reason::WrongAudience);
    assert_eq!(rejection.detail, "aud is `https://digitaltwins.azure.net`; IoT Hub wants `https://iothubs.azure.net`");
}
