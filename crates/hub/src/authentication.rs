//! How a device or module signs in: as kept, as sent and as answered.
//!
//! Used by devices and modules alike. It checks the form of keys and thumbprints; whether a credential that is shown fits
//! them is decided by `iolite-identity`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_identity::AttestationKeys;
use iolite_kernel::{Entropy, Secret, ServiceError};
use serde::{Deserialize, Serialize};

use crate::body::Object;
use crate::errors;
use crate::json_text::JsonText;

/// How long a generated key is, in bytes (recorded).
const GENERATED_KEY_BYTES: usize = 32;

/// How long a key may be, in bytes (documented).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// What a device or module signs in with, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Credentials {
    /// Two symmetric keys, base64.
    Sas {
        /// The primary key.
        primary: Secret,
        /// The secondary key.
        secondary: Secret,
    },
    /// A certificate that is known by its thumbprint.
    SelfSigned {
        /// SHA-1 or SHA-256 of the DER, hexadecimal, in the case it was sent.
        primary: Option<Box<str>>,
        /// The same of a second certificate.
        secondary: Option<Box<str>>,
    },
    /// A certificate of an authority that the hub trusts, with the id as its common name.
    CertificateAuthority,
    /// Nothing: it cannot sign in by itself.
    None,
}

/// The value of `authentication.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuthenticationType {
    /// Symmetric keys.
    Sas,
    /// Thumbprints.
    SelfSigned,
    /// An authority.
    CertificateAuthority,
    /// Nothing.
    None,
}

/// `authentication` as sent; what is `null` or left out is not said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthenticationBody {
    symmetric_key: Option<Object<SymmetricKeyBody>>,
    x509_thumbprint: Option<Object<ThumbprintBody>>,
    r#type: Option<AuthenticationType>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SymmetricKeyBody {
    primary_key: Option<Secret>,
    secondary_key: Option<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ThumbprintBody {
    primary_thumbprint: Option<String>,
    secondary_thumbprint: Option<String>,
}

/// `authentication` as answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticationView<'a> {
    symmetric_key: SymmetricKeyView<'a>,
    x509_thumbprint: ThumbprintView<'a>,
    r#type: AuthenticationType,
}

/// `symmetricKey` as answered: `null`s where it signs in otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SymmetricKeyView<'a> {
    primary_key: Option<&'a Secret>,
    secondary_key: Option<&'a Secret>,
}

/// `x509Thumbprint` as answered: `null`s where it signs in otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThumbprintView<'a> {
    primary_thumbprint: Option<&'a str>,
    secondary_thumbprint: Option<&'a str>,
}

impl AuthenticationType {
    /// As it is written.
    const fn name(self) -> &'static str {
        match self {
            Self::Sas => "sas",
            Self::SelfSigned => "selfSigned",
            Self::CertificateAuthority => "certificateAuthority",
            Self::None => "none",
        }
    }
}

impl Credentials {
    /// The value of `authentication.type`.
    #[must_use]
    pub const fn kind(&self) -> AuthenticationType {
        match self {
            Self::Sas { .. } => AuthenticationType::Sas,
            Self::SelfSigned { .. } => AuthenticationType::SelfSigned,
            Self::CertificateAuthority => AuthenticationType::CertificateAuthority,
            Self::None => AuthenticationType::None,
        }
    }

    /// `authentication` as answered.
    pub(crate) fn view(&self) -> AuthenticationView<'_> {
        AuthenticationView { symmetric_key: self.keys(), x509_thumbprint: self.thumbprints(), r#type: self.kind() }
    }

    /// Appends `authentication` as answered: what [`Self::view`] comes to.
    pub(crate) fn write_view(&self, text: &mut Vec<u8>) {
        let (keys, thumbprints) = (self.keys(), self.thumbprints());
        text.raw(r#"{"symmetricKey":{"primaryKey":"#);
        text.string_or_null(keys.primary_key.map(Secret::reveal));
        text.raw(r#","secondaryKey":"#);
        text.string_or_null(keys.secondary_key.map(Secret::reveal));
        text.raw(r#"},"x509Thumbprint":{"primaryThumbprint":"#);
        text.string_or_null(thumbprints.primary_thumbprint);
        text.raw(r#","secondaryThumbprint":"#);
        text.string_or_null(thumbprints.secondary_thumbprint);
        text.raw(r#"},"type":""#);
        text.raw(self.kind().name());
        text.raw("\"}");
    }

    /// `symmetricKey` as answered.
    pub(crate) const fn keys(&self) -> SymmetricKeyView<'_> {
        match self {
            Self::Sas { primary, secondary } => {
                SymmetricKeyView { primary_key: Some(primary), secondary_key: Some(secondary) }
            }
            _ => SymmetricKeyView { primary_key: None, secondary_key: None },
        }
    }

    /// `x509Thumbprint` as answered.
    pub(crate) fn thumbprints(&self) -> ThumbprintView<'_> {
        match self {
            Self::SelfSigned { primary, secondary } => {
                ThumbprintView { primary_thumbprint: primary.as_deref(), secondary_thumbprint: secondary.as_deref() }
            }
            _ => ThumbprintView { primary_thumbprint: None, secondary_thumbprint: None },
        }
    }

    /// What the door compares with; `authorities` are those of the hub, asked for only where they matter.
    pub(crate) fn attestation(&self, authorities: impl FnOnce() -> AttestationKeys) -> AttestationKeys {
        match self {
            Self::Sas { primary, secondary } => {
                AttestationKeys::SymmetricKey { primary: primary.clone(), secondary: secondary.clone() }
            }
            Self::SelfSigned { primary, secondary } => AttestationKeys::Thumbprint {
                primary: primary.as_deref().map(str::to_owned),
                secondary: secondary.as_deref().map(str::to_owned),
            },
            Self::CertificateAuthority => authorities(),
            Self::None => AttestationKeys::None,
        }
    }
}

impl AuthenticationBody {
    /// Says that it cannot sign in.
    pub(crate) fn none() -> Self {
        Self { r#type: Some(AuthenticationType::None), ..Self::default() }
    }

    /// The credentials that an identity with `current` ones (none, where it is new) has after this was sent.
    ///
    /// Keys that are not said are kept, and generated where there are none to keep; a type that is not said follows from
    /// what is.
    pub(crate) fn resolve(
        &self,
        current: Option<&Credentials>,
        entropy: &dyn Entropy,
    ) -> Result<Credentials, ServiceError> {
        let keys = self.keys()?;
        let thumbprints = self.thumbprints()?;
        let kind = self.r#type.unwrap_or_else(|| match (&keys, &thumbprints) {
            (Some(_), _) => AuthenticationType::Sas,
            (None, Some(_)) => AuthenticationType::SelfSigned,
            (None, None) => current.map_or(AuthenticationType::Sas, Credentials::kind),
        });
        Ok(match (kind, current) {
            (AuthenticationType::Sas, Some(kept @ Credentials::Sas { .. })) if keys.is_none() => kept.clone(),
            (AuthenticationType::Sas, _) => {
                let (primary, secondary) = keys.unwrap_or_else(|| generated_keys(entropy));
                Credentials::Sas { primary, secondary }
            }
            (AuthenticationType::SelfSigned, Some(kept @ Credentials::SelfSigned { .. })) if thumbprints.is_none() => {
                kept.clone()
            }
            (AuthenticationType::SelfSigned, _) => {
                let (primary, secondary) = thumbprints.unwrap_or_default();
                Credentials::SelfSigned { primary, secondary }
            }
            (AuthenticationType::CertificateAuthority, _) => Credentials::CertificateAuthority,
            (AuthenticationType::None, _) => Credentials::None,
        })
    }

    fn keys(&self) -> Result<Option<(Secret, Secret)>, ServiceError> {
        let Some(Object(keys)) = &self.symmetric_key else { return Ok(None) };
        match (said(keys.primary_key.as_ref()), said(keys.secondary_key.as_ref())) {
            (None, None) => Ok(None),
            (Some(primary), Some(secondary)) => {
                for key in [primary, secondary] {
                    let bytes =
                        STANDARD.decode(key.reveal()).map_err(|_| errors::invalid("A symmetric key is not base64."))?;
                    if !KEY_BYTES.contains(&bytes.len()) {
                        let message = format!("A symmetric key is {} bytes long; it takes 16 to 64.", bytes.len());
                        return Err(errors::invalid(message));
                    }
                }
                Ok(Some((primary.clone(), secondary.clone())))
            }
            _ => Err(errors::invalid("One symmetric key is given without the other; give both, or neither.")),
        }
    }

    fn thumbprints(&self) -> Result<Option<Thumbprints>, ServiceError> {
        let Some(Object(sent)) = &self.x509_thumbprint else { return Ok(None) };
        let read = |thumbprint: &Option<String>| match thumbprint.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(Some(Box::from(text)))
            }
            Some(_) => Err(errors::invalid(
                "An X.509 thumbprint is not the hexadecimal SHA-1 (40 digits) or SHA-256 (64 digits) of a certificate.",
            )),
        };
        let thumbprints = (read(&sent.primary_thumbprint)?, read(&sent.secondary_thumbprint)?);
        Ok((thumbprints != (None, None)).then_some(thumbprints))
    }
}

/// The thumbprint of the primary and of the secondary certificate.
type Thumbprints = (Option<Box<str>>, Option<Box<str>>);

/// Two keys of one draw.
fn generated_keys(entropy: &dyn Entropy) -> (Secret, Secret) {
    let mut bytes = [0; 2 * GENERATED_KEY_BYTES];
    entropy.fill(&mut bytes);
    let (primary, secondary) = bytes.split_at(GENERATED_KEY_BYTES);
    (STANDARD.encode(primary).into(), STANDARD.encode(secondary).into())
}

fn said(key: Option<&Secret>) -> Option<&Secret> {
    key.filter(|key| !key.reveal().is_empty())
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SeededEntropy;
    use serde_json::{Value, json};

    use super::*;

    fn resolve(body: Value, current: Option<&Credentials>) -> Result<Credentials, ServiceError> {
        let body: AuthenticationBody = serde_json::from_value(body).unwrap();
        body.resolve(current, &SeededEntropy::new(1))
    }

    fn sas() -> Credentials {
        let key = STANDARD.encode([7; 32]);
        resolve(json!({"symmetricKey": {"primaryKey": key, "secondaryKey": key}}), None).unwrap()
    }

    #[test]
    fn keys_of_thirty_two_bytes_are_generated_where_none_are_given() {
        let Credentials::Sas { primary, secondary } = resolve(json!({}), None).unwrap() else { panic!() };
        assert_eq!(STANDARD.decode(primary.reveal()).unwrap().len(), 32);
        assert_ne!(primary, secondary);
    }

    #[test]
    fn keys_that_are_not_said_are_kept() {
        let body =
            json!({"type": "sas", "symmetricKey": {"primaryKey": null, "secondaryKey": null}, "x509Thumbprint": {}});
        assert_eq!(resolve(body, Some(&sas())).unwrap(), sas());
        assert_eq!(resolve(json!({}), Some(&sas())).unwrap(), sas());
    }

    #[test]
    fn the_type_follows_from_what_is_given() {
        let thumbprint = "a".repeat(40);
        let body = json!({"x509Thumbprint": {"primaryThumbprint": thumbprint}});
        assert_eq!(resolve(body, None).unwrap().kind(), AuthenticationType::SelfSigned);
        assert_eq!(sas().kind(), AuthenticationType::Sas);
        assert_eq!(resolve(json!({"type": "none"}), Some(&sas())).unwrap(), Credentials::None);
    }

    #[test]
    fn credentials_are_answered_alike_however_they_are_written() {
        let thumbprint = json!({"x509Thumbprint": {"primaryThumbprint": "A".repeat(40)}});
        let others = [thumbprint, json!({"type": "certificateAuthority"}), json!({"type": "none"})];
        for credentials in others.map(|body| resolve(body, None).unwrap()).into_iter().chain([sas()]) {
            let mut text = Vec::new();
            credentials.write_view(&mut text);
            assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(&credentials.view()).unwrap());
        }
    }

    #[test]
    fn malformed_keys_and_thumbprints_are_refused() {
        let key = STANDARD.encode([7; 32]);
        for body in [
            json!({"symmetricKey": {"primaryKey": key}}),
            json!({"symmetricKey": {"primaryKey": "not base64!", "secondaryKey": key}}),
            json!({"symmetricKey": {"primaryKey": "c2hvcnQ=", "secondaryKey": key}}),
            json!({"x509Thumbprint": {"primaryThumbprint": "abc"}}),
            json!({"x509Thumbprint": {"primaryThumbprint": "g".repeat(40)}}),
        ] {
            assert_eq!(resolve(body.clone(), None).unwrap_err().code, &errors::ARGUMENT_INVALID, "{body}");
        }
        assert!(serde_json::from_value::<AuthenticationBody>(json!({"type": "password"})).is_err());
    }
}
