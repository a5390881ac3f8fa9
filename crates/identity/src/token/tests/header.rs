//! Rows J1 to J3 and J6: what a token's form, header and signature can have wrong.

use super::*;

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
    let found = verifier(&World::new()).authenticate(&Presented::default(), &Secret::new(token), HUB);
    assert_eq!(found.outcome.unwrap_err().reason, Reason::TooLarge);
    let long = mint(&claims_with("pad", json!("x".repeat(10 * 1024))));
    assert!(long.len() < MAXIMUM_CREDENTIAL_BYTES);
    assert_eq!(reason(&long), None);
}
