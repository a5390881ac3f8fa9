//! Rows S2 and S3 of what goes wrong with shared access signatures, as far as the text alone goes.

use super::super::sign;
use super::*;

const EXPIRY: i64 = 1_800_003_600;

fn key() -> Secret {
    Secret::new(STANDARD.encode([7; 32]))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The fields of a good token of a policy.
fn fields() -> [String; 4] {
    let token = sign("localhost:8443/devices", &key(), at(EXPIRY), Some("service"));
    let fields: Vec<String> = token.split_once(' ').unwrap().1.split('&').map(str::to_owned).collect();
    fields.try_into().unwrap()
}

fn parse(fields: &[&str]) -> Result<(), SasError> {
    SasToken::parse(&format!("SharedAccessSignature {}", fields.join("&"))).map(|_| ())
}

/// What becomes of a good token whose signature reads `text`.
fn with_signature(text: &str) -> Result<bool, SasError> {
    let [resource, _, expiry, policy] = fields();
    let token = format!("SharedAccessSignature {resource}&sig={text}&{expiry}&{policy}");
    SasToken::parse(&token).map(|token| token.is_signed_by(&key()))
}

/// The plain base64 of a good token's signature, for a moment at which it has both a `+` and a `/` in it.
fn signature_with_marks() -> (String, i64) {
    (1..100_000)
        .map(|second| {
            let token = sign("localhost", &key(), at(second), None);
            let signature = SasToken::parse(&token).unwrap().signature;
            (STANDARD.encode(signature), second)
        })
        .find(|(text, _)| text.contains('+') && text.contains('/'))
        .unwrap()
}

#[test]
fn a_good_token_is_read_in_any_order_of_its_fields() {
    let [resource, signature, expiry, policy] = &fields();
    for order in [
        [resource, signature, expiry, policy],
        [policy, expiry, signature, resource],
        [signature, resource, policy, expiry],
    ] {
        let text = format!("SharedAccessSignature {}", order.map(String::as_str).join("&"));
        let token = SasToken::parse(&text).unwrap();
        assert!(token.is_signed_by(&key()));
        assert_eq!(token.policy(), Some("service"));
        assert_eq!(token.expires_at(), at(EXPIRY));
        assert_eq!(token.resource().as_str(), "localhost:8443/devices");
    }
}

#[test]
fn s2_each_field_stands_once_and_no_other_with_it() {
    let [resource, signature, expiry, policy] = &fields();
    assert_eq!(parse(&[resource, signature, expiry]), Ok(()));
    assert_eq!(parse(&[signature, expiry, policy]), Err(SasError::Missing("sr")));
    assert_eq!(parse(&[resource, expiry, policy]), Err(SasError::Missing("sig")));
    assert_eq!(parse(&[resource, signature, policy]), Err(SasError::Missing("se")));
    for (twice, name) in [(resource, "sr"), (signature, "sig"), (expiry, "se"), (policy, "skn")] {
        assert_eq!(parse(&[resource, signature, expiry, policy, twice]), Err(SasError::Repeated(name)), "at the end");
        assert_eq!(parse(&[twice, resource, signature, expiry, policy]), Err(SasError::Repeated(name)), "at the front");
    }
    for other in ["x=1", "SR=localhost", "Sig=", "sr =x", "=x"] {
        assert_eq!(parse(&[resource, signature, expiry, other]), Err(SasError::UnknownField), "{other}");
    }
    for other in ["", "skn", "&", "sr"] {
        assert_eq!(parse(&[resource, signature, expiry, other]), Err(SasError::Field), "{other:?}");
    }
}

#[test]
fn s2_the_expiry_is_a_plain_number_of_seconds() {
    let [resource, signature, _, policy] = &fields();
    for expiry in ["1", "1800003600", "9223372036854775807"] {
        assert_eq!(parse(&[resource, signature, &format!("se={expiry}"), policy]), Ok(()), "{expiry}");
    }
    for expiry in [
        "",
        "0",
        "-1",
        "+1",
        "01800003600",
        "9223372036854775808",
        "18446744073709551616",
        "1e9",
        "1800003600.5",
        "0x10",
        "soon",
        " 1800003600",
        "1800003600 ",
        "%31800003600",
        "1800003600%00",
    ] {
        assert_eq!(parse(&[resource, signature, &format!("se={expiry}"), policy]), Err(SasError::Expiry), "{expiry:?}");
    }
}

#[test]
fn s2_the_end_may_be_five_minutes_past_and_no_second_more() {
    let text = sign("localhost", &key(), at(EXPIRY), None);
    let token = SasToken::parse(&text).unwrap();
    assert!(token.is_current_at(at(EXPIRY + 300)));
    assert!(!token.is_current_at(at(EXPIRY + 301)));
    let far = text.replace(&EXPIRY.to_string(), "9223372036854775807");
    let far = SasToken::parse(&far).unwrap();
    assert!(far.is_current_at(Timestamp::MAX));
    assert_eq!(far.expires_at(), Timestamp::MAX);
}

#[test]
fn s2_escapes_may_be_in_either_case() {
    let (signature, second) = signature_with_marks();
    let upper = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for spelling in [upper.clone(), upper.to_lowercase_escapes(), upper.replace("%2F", "/"), upper.replace("%3D", "=")]
    {
        let text = format!("SharedAccessSignature sr=localhost&sig={spelling}&se={second}");
        assert!(SasToken::parse(&text).unwrap().is_signed_by(&key()), "{spelling}");
    }
}

/// The same text with its escapes in lower case.
trait LowerEscapes {
    fn to_lowercase_escapes(&self) -> String;
}

impl LowerEscapes for String {
    fn to_lowercase_escapes(&self) -> String {
        self.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")
    }
}

#[test]
fn s2_what_was_signed_is_the_resource_as_written() {
    for resource in ["localhost%3A8443%2Fdevices", "localhost%3a8443%2fdevices", "localhost:8443/devices"] {
        let mac = super::super::key::mac(&[7; 32], &[resource.as_bytes(), b"\n", b"1800003600"]);
        let sig = STANDARD.encode(mac).replace('+', "%2B");
        let text = format!("SharedAccessSignature sr={resource}&sig={sig}&se=1800003600");
        let token = SasToken::parse(&text).unwrap();
        assert!(token.is_signed_by(&key()), "{resource}");
        assert_eq!(token.resource().as_str(), "localhost:8443/devices");
        for other in ["localhost%3A8443%2fdevices", "LOCALHOST:8443/devices"] {
            let text = format!("SharedAccessSignature sr={other}&sig={sig}&se=1800003600");
            assert!(!SasToken::parse(&text).unwrap().is_signed_by(&key()), "{other}");
        }
    }
}

#[test]
fn s2_the_scheme_stands_before_one_space() {
    let fields = fields().join("&");
    for text in [
        fields.clone(),
        format!("Bearer {fields}"),
        format!("SharedAccessSignature{fields}"),
        format!(" {fields}"),
        String::new(),
    ] {
        assert_eq!(SasToken::parse(&text).unwrap_err(), SasError::Scheme, "{text}");
    }
    assert!(SasToken::parse(&format!("sharedaccesssignature {fields}")).is_ok());
    let huge = format!("SharedAccessSignature {fields}&x={}", "x".repeat(MAXIMUM_CREDENTIAL_BYTES));
    assert!(matches!(SasToken::parse(&huge), Err(SasError::TooLarge(_))));
}

#[test]
fn s3_a_signature_that_is_not_exactly_the_base64_is_refused() {
    let (signature, second) = signature_with_marks();
    let parse = |sig: &str| {
        let text = format!("SharedAccessSignature sr=localhost&sig={sig}&se={second}");
        SasToken::parse(&text).map(|token| token.is_signed_by(&key()))
    };
    let escaped = signature.replace('+', "%2B");
    assert_eq!(parse(&escaped), Ok(true));
    for bad in [
        signature.clone(),             // a bare + stands for a space
        signature.replace('+', "%20"), // and so it came
        escaped.replace('/', "_"),     // the url-safe alphabet
        escaped.replace("%2B", "-"),
        escaped.trim_end_matches('=').to_owned(), // no padding
        format!("{escaped}="),
        escaped[4..].to_owned(), // cut short
        format!("AAAA{escaped}"),
        "!".repeat(44),
        String::new(),
    ] {
        assert_eq!(parse(&bad), Err(SasError::Signature), "{bad}");
    }
    // The last character before the padding has two bits to spare: only zeros are right.
    let stray = {
        let place = signature.len() - 2;
        let next = char::from(signature.as_bytes()[place] + 1);
        format!("{}{next}=", &signature[..place]).replace('+', "%2B")
    };
    assert_eq!(parse(&stray), Err(SasError::Signature));
    assert_eq!(parse("%zz"), Err(SasError::Escape("sig")));
}

#[test]
fn s3_one_bit_off_is_wrong_wherever_it_is() {
    let good = SasToken::parse(&sign("localhost", &key(), at(EXPIRY), None)).unwrap().signature;
    for bit in 0..MAC_BYTES * 8 {
        let mut signature = good;
        signature[bit / 8] ^= 1 << (bit % 8);
        let sig = STANDARD.encode(signature).replace('+', "%2B");
        let text = format!("SharedAccessSignature sr=localhost&sig={sig}&se={EXPIRY}");
        assert!(!SasToken::parse(&text).unwrap().is_signed_by(&key()), "bit {bit}");
    }
    assert_eq!(with_signature(&STANDARD.encode([0; 32])), Ok(false));
}

#[test]
fn s3_another_key_signs_otherwise() {
    let text = sign("localhost", &key(), at(EXPIRY), None);
    let token = SasToken::parse(&text).unwrap();
    for other in
        [Secret::new(STANDARD.encode([8; 32])), Secret::new(""), Secret::new("not base64"), Secret::new("AAAA")]
    {
        assert!(!token.is_signed_by(&other));
    }
}

#[test]
fn an_event_hubs_token_is_signed_with_the_text_of_the_key() {
    let text = sign("sb://localhost/hub1", &key(), at(EXPIRY), Some("iothubowner"));
    let token = SasToken::parse(&text).unwrap();
    assert!(token.is_signed_by(&key()));
    let mac = super::super::key::mac(key().reveal().as_bytes(), &[b"sb%3A%2F%2Flocalhost%2Fhub1\n1800003600"]);
    assert_eq!(token.signature, mac);
}

#[test]
fn an_empty_policy_name_names_none() {
    let [resource, signature, expiry, _] = fields();
    let text = format!("SharedAccessSignature {resource}&{signature}&{expiry}&skn=");
    assert_eq!(SasToken::parse(&text).unwrap().policy(), None);
}
