//! Service shared access signatures over a container or a blob, signed with the account's key.
//!
//! Source: Microsoft's page "Create a service SAS", version 2018-03-28, the one that IoT Hub hands out in its documented
//! answer: thirteen lines are signed, most of them empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use iolite_kernel::{Secret, Timestamp, iso_seconds};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

const VERSION: &str = "2018-03-28";

const FIELD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a signature lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRights(&'static str);

impl BlobRights {
    /// Read and write a blob: what a device gets for its upload.
    pub const READ_WRITE: Self = Self("rw");
    /// Everything: what the hub gives itself.
    pub const ALL: Self = Self("racwdl");

    /// The letters that stand for it.
    pub(super) const fn letters(self) -> &'static str {
        self.0
    }
}

/// What a signature is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum SasPlace<'a> {
    Container(&'a str),
    Blob { container: &'a str, blob: &'a str },
}

/// The query of a signature, without its question mark.
pub(super) fn sign(
    account: &str,
    key: &Secret,
    place: SasPlace<'_>,
    rights: BlobRights,
    expires_at: Timestamp,
) -> String {
    let (kind, resource) = match place {
        SasPlace::Container(container) => ("c", format!("/blob/{account}/{container}")),
        SasPlace::Blob { container, blob } => ("b", format!("/blob/{account}/{container}/{blob}")),
    };
    let expiry = iso_seconds(expires_at);
    // Permissions, start, expiry, resource, identifier, addresses, protocol, version, and five headers of answers.
    let signed = format!("{}\n\n{expiry}\n{resource}\n\n\n\n{VERSION}\n\n\n\n\n", rights.0);
    let signature = self::signature(key, &signed);
    format!(
        "sv={VERSION}&sr={kind}&sig={}&se={}&sp={}",
        utf8_percent_encode(&signature, FIELD),
        utf8_percent_encode(&expiry, FIELD),
        rights.0,
    )
}

/// The query of an account's signature that makes containers in its blob service, without its question mark.
///
/// Source: Microsoft's page "Create an account SAS".
pub(super) fn sign_for_account(account: &str, key: &Secret, expires_at: Timestamp) -> String {
    const RIGHTS: &str = "cw";
    let expiry = iso_seconds(expires_at);
    // Account, permissions, services, kinds of resources, start, expiry, addresses, protocol, version.
    let signed = format!("{account}\n{RIGHTS}\nb\nc\n\n{expiry}\n\n\n{VERSION}\n");
    let signature = self::signature(key, &signed);
    format!(
        "sv={VERSION}&ss=b&srt=c&sp={RIGHTS}&se={}&sig={}",
        utf8_percent_encode(&expiry, FIELD),
        utf8_percent_encode(&signature, FIELD),
    )
}

/// The signature of `text`.
pub(super) fn signature(key: &Secret, text: &str) -> String {
    STANDARD.encode(mac(key, text))
}

/// A key is base64, as was checked when it was read; any other signs with nothing, which no service takes.
fn mac(key: &Secret, text: &str) -> [u8; 32] {
    let bytes = STANDARD.decode(key.reveal()).unwrap_or_default();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&bytes) else { return [0; 32] };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signatures were computed with Python's hmac from the documented text, and taken by Azurite.
    #[test]
    fn the_signature_is_over_the_documented_text() {
        let key = Secret::new("a2V5");
        let until = "2026-11-22T05:00:00Z".parse().unwrap();
        let blob = SasPlace::Blob { container: "uploads", blob: "dev1/a b.txt" };
        assert_eq!(
            sign("contoso", &key, blob, BlobRights::READ_WRITE, until),
            "sv=2018-03-28&sr=b&sig=NPlx5I5bI785BvY9y%2BMNW7yQZO3Ct0IACrRdCJmpcdo%3D&se=2026-11-22T05%3A00%3A00Z&sp=rw"
        );
        assert_eq!(
            sign("contoso", &key, SasPlace::Container("uploads"), BlobRights::ALL, until),
            "sv=2018-03-28&sr=c&sig=oKB5m0rJ0FNFbV4sXUN%2FrnA65rfirRBsBbtEdwg9tXg%3D&se=2026-11-22T05%3A00%3A00Z&sp=racwdl"
        );
    }
}
