//! An authority as answers have it: dates in the form of RFC 1123, the thumbprint in upper case (recorded).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_identity::describe_authority;
use iolite_kernel::rfc_1123;
use iolite_resources::Certificate;
use serde_json::{Value, json};

use crate::etag::etag;

/// The authority `certificate` of a record of `revision`; `with_code` shows the verification code.
pub(super) fn document(certificate: &Certificate, revision: u64, with_code: bool) -> Value {
    // What was kept could be read when it was given.
    let facts = describe_authority(&certificate.der).ok();
    let mut properties = json!({
        "subject": facts.as_ref().map(|facts| &facts.subject),
        "expiry": facts.as_ref().map(|facts| rfc_1123(facts.expires_at)),
        "thumbprint": facts.as_ref().map(|facts| &facts.thumbprint),
        "isVerified": certificate.is_verified,
        "created": rfc_1123(certificate.created_at),
        "updated": rfc_1123(certificate.updated_at),
        "certificate": STANDARD.encode(&certificate.der),
    });
    if with_code {
        properties["verificationCode"] = json!(certificate.verification_code);
    }
    let kind = certificate.resource.as_str().rsplit('/').nth(1).unwrap_or_default();
    let kind = if kind.eq_ignore_ascii_case("IotHubs") { "IotHubs" } else { "ProvisioningServices" };
    json!({
        "id": format!("{}/certificates/{}", certificate.resource, certificate.name),
        "name": certificate.name,
        "type": format!("Microsoft.Devices/{kind}/Certificates"),
        "etag": etag(revision),
        "properties": properties,
    })
}
