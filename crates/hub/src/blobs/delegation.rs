//! Keys of a blob service that an identity signs with in place of the account's own.
//!
//! Source: Microsoft's pages "Get User Delegation Key" and "Create a user delegation SAS", version 2018-11-09: twenty lines
//! are signed, most of them empty; checked against Azurite.

use iolite_kernel::{Secret, Timestamp, iso_seconds};

use super::listing::element;
use super::sas::{self, BlobRights};

const VERSION: &str = "2018-11-09";

/// A key, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationKey {
    object_id: String,
    tenant_id: String,
    start: String,
    expiry: String,
    service: String,
    version: String,
    value: Secret,
}

/// The body that asks for a key.
pub(super) fn wish(from: Timestamp, until: Timestamp) -> String {
    let (from, until) = (iso_seconds(from), iso_seconds(until));
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{from}</Start><Expiry>{until}</Expiry></KeyInfo>"
    )
}

impl DelegationKey {
    /// Reads a service's answer.
    pub(super) fn read(xml: &str) -> Option<Self> {
        let part = |name: &str| element(xml, name).map(|(text, _)| text.trim().to_owned());
        Some(Self {
            object_id: part("SignedOid")?,
            tenant_id: part("SignedTid")?,
            start: part("SignedStart")?,
            expiry: part("SignedExpiry")?,
            service: part("SignedService")?,
            version: part("SignedVersion")?,
            value: Secret::new(part("Value")?),
        })
    }

    /// The query (without its question mark) that lets its holder use one blob with `rights` until `expires_at`.
    pub(super) fn sign(
        &self,
        account: &str,
        container: &str,
        blob: &str,
        rights: BlobRights,
        expires_at: Timestamp,
    ) -> String {
        let (rights, expiry) = (rights.letters(), iso_seconds(expires_at));
        let Self { object_id, tenant_id, start, expiry: key_expiry, service, version, value } = self;
        // Permissions, start, expiry, resource, the key, addresses, protocol, version, kind, snapshot, five headers of answers.
        let signed = format!(
            "{rights}\n\n{expiry}\n/blob/{account}/{container}/{blob}\n{object_id}\n{tenant_id}\n{start}\n{key_expiry}\n\
             {service}\n{version}\n\n\n{VERSION}\nb\n\n\n\n\n\n"
        );
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("sv", VERSION)
            .append_pair("sr", "b")
            .append_pair("se", &expiry)
            .append_pair("sp", rights)
            .append_pair("skoid", object_id)
            .append_pair("sktid", tenant_id)
            .append_pair("skt", start)
            .append_pair("ske", key_expiry)
            .append_pair("sks", service)
            .append_pair("skv", version)
            .append_pair("sig", &sas::signature(value, &signed));
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey><SignedOid>o</SignedOid>\
        <SignedTid>t</SignedTid><SignedStart>2026-11-22T05:00:00Z</SignedStart><SignedExpiry>2026-11-22T06:00:00Z</SignedExpiry>\
        <SignedService>b</SignedService><SignedVersion>2018-11-09</SignedVersion><Value>a2V5</Value></UserDelegationKey>";

    /// The signature was computed with Python's hmac from the documented text.
    #[test]
    fn the_signature_is_over_the_documented_text() {
        let key = DelegationKey::read(ANSWER).unwrap();
        let until = "2026-11-22T05:30:00Z".parse().unwrap();
        let query = key.sign("contoso", "uploads", "dev1/a.txt", BlobRights::READ_WRITE, until);
        let expected = "sv=2018-11-09&sr=b&se=2026-11-22T05%3A30%3A00Z&sp=rw&skoid=o&sktid=t&skt=2026-11-22T05%3A00%3A00Z\
                        &ske=2026-11-22T06%3A00%3A00Z&sks=b&skv=2018-11-09&sig=0E91ko3SY2quwXbUdzrs0sjqZ4oDomk8CHUHY%2B9zMjI%3D";
        assert_eq!(query, expected);
        assert!(!format!("{key:?}").contains("a2V5"));
    }

    #[test]
    fn an_answer_without_a_key_is_none() {
        assert_eq!(DelegationKey::read(&ANSWER.replace("Value", "Other")), None);
    }

    #[test]
    fn a_key_is_asked_for_by_its_times() {
        let text = wish(Timestamp::UNIX_EPOCH, "2026-11-22T05:30:00Z".parse().unwrap());
        assert!(text.ends_with("<Start>1970-01-01T00:00:00Z</Start><Expiry>2026-11-22T05:30:00Z</Expiry></KeyInfo>"));
    }
}
