//! Making shared access signatures and the keys of group enrolments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Secret, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::ResourceUri;
use super::key::{mac, with_decoded};

/// What `encodeURIComponent` leaves alone, less the five marks that the Node SDK encodes as well.
const FIELD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A token for `resource_uri` (`localhost/devices/dev1`, neither encoded nor with a scheme; or `sb://…`), signed with
/// `key` and good until `expiry`, to the second. `policy` names whose key it is; `None` for a device's own.
///
/// A key that is not base64 gives a token that no service takes: that is found out where a wrong key always is.
#[must_use]
pub fn sign(resource_uri: &str, key: &Secret, expiry: Timestamp, policy: Option<&str>) -> String {
    let resource = utf8_percent_encode(resource_uri, FIELD).to_string();
    let seconds = expiry.as_second().to_string();
    let parts = [resource.as_bytes(), b"\n", seconds.as_bytes()];
    let by_text = || mac(key.reveal().as_bytes(), &parts);
    let signature = if ResourceUri::parse(resource_uri).is_event_hubs() {
        by_text()
    } else {
        with_decoded(key.reveal(), |bytes| mac(bytes, &parts)).unwrap_or_else(by_text)
    };
    let signature = STANDARD.encode(signature);
    let signature = utf8_percent_encode(&signature, FIELD);
    let mut token = format!("SharedAccessSignature sr={resource}&sig={signature}&se={seconds}");
    if let Some(policy) = policy {
        token.push_str("&skn=");
        token.extend(utf8_percent_encode(policy, FIELD));
    }
    token
}

/// The key that a group enrolment with `group_key` gives to `registration_id`, base64: the HMAC of the id under the
/// group's key. `None` where the group's key is not base64.
///
/// Source: Microsoft's page on symmetric key attestation, whose example is the test below.
#[must_use]
pub fn derive_group_key(group_key: &Secret, registration_id: &str) -> Option<Secret> {
    let derived = with_decoded(group_key.reveal(), |bytes| mac(bytes, &[registration_id.as_bytes()]));
    derived.map(|bytes| Secret::new(STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::SasToken;
    use super::*;

    #[test]
    fn a_group_key_gives_the_documented_device_key() {
        let group =
            Secret::new("8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==");
        let derived = derive_group_key(&group, "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6").unwrap();
        assert_eq!(derived.reveal(), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
    }

    #[test]
    fn a_key_that_is_not_base64_signs_nothing_that_is_taken() {
        let key = Secret::new("!");
        let token = sign("localhost", &key, Timestamp::MAX, None);
        assert!(!SasToken::parse(&token).unwrap().is_signed_by(&key));
        assert_eq!(derive_group_key(&key, "reg"), None);
    }

    #[test]
    fn a_token_is_written_as_the_sdks_write_it() {
        let token = sign(
            "localhost:8443/devices/a'b",
            &Secret::new("AAAA"),
            Timestamp::from_second(1_700_000_000).unwrap(),
            Some("p q"),
        );
        assert!(token.starts_with("SharedAccessSignature sr=localhost%3A8443%2Fdevices%2Fa%27b&sig="), "{token}");
        assert!(token.ends_with("&se=1700000000&skn=p%20q"), "{token}");
    }
}
