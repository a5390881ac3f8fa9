//! Taking in an attestation: what a client sends becomes what is kept, or is refused.
//!
//! Keys left out or null are generated (recorded), or stay as they are where the enrolment has keys already; a
//! secondary certificate left out is the primary (recorded); a certificate shown by its `info` alone, as GET gives it,
//! stays.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{Ground, Secret, ServiceError};
use serde::Deserialize;

use super::{Attestation, Certificate, CertificatePair, CertificateReferences, SymmetricKeys, TpmKeys};
use crate::body::Object;
use crate::errors;

/// Whose attestation it is: not every kind fits both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An individual enrolment.
    Individual,
    /// An enrolment group.
    Group,
}

/// An attestation as sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttestationRequest {
    r#type: Kind,
    tpm: Option<Object<TpmRequest>>,
    symmetric_key: Option<Object<SymmetricKeyRequest>>,
    x509: Option<Object<X509Request>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    None,
    Tpm,
    X509,
    SymmetricKey,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TpmRequest {
    endorsement_key: Option<String>,
    storage_root_key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymmetricKeyRequest {
    primary_key: Option<Secret>,
    secondary_key: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct X509Request {
    client_certificates: Option<Object<CertificatesRequest>>,
    signing_certificates: Option<Object<CertificatesRequest>>,
    ca_references: Option<Object<CertificateReferences>>,
}

#[derive(Debug, Deserialize)]
struct CertificatesRequest {
    primary: Option<Object<CertificateRequest>>,
    secondary: Option<Object<CertificateRequest>>,
}

#[derive(Debug, Deserialize)]
struct CertificateRequest {
    certificate: Option<String>,
    info: Option<Object<InfoRequest>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InfoRequest {
    sha256_thumbprint: Option<String>,
}

impl AttestationRequest {
    /// What is kept for `holder`, whose attestation so far is `current`.
    pub(crate) fn accept(
        self,
        holder: Holder,
        current: Option<&Attestation>,
        ground: &Ground,
    ) -> Result<Attestation, ServiceError> {
        match (self.r#type, holder) {
            (Kind::None, _) => Err(errors::invalid("attestation.type", "must be tpm, x509 or symmetricKey.")),
            (Kind::Tpm, Holder::Group) => {
                Err(errors::invalid("attestation.type", "of an enrollment group must be x509 or symmetricKey."))
            }
            (Kind::Tpm, Holder::Individual) => {
                let sent = self.tpm.ok_or_else(|| errors::invalid("attestation.tpm", "is required."))?;
                tpm(sent.0).map(Attestation::Tpm)
            }
            (Kind::SymmetricKey, _) => {
                let sent = self.symmetric_key.map(|Object(sent)| sent).unwrap_or_default();
                symmetric_keys(sent, current, ground).map(Attestation::SymmetricKey)
            }
            (Kind::X509, _) => {
                let sent = self.x509.ok_or_else(|| errors::invalid("attestation.x509", "is required."))?;
                x509(sent.0, holder, current)
            }
        }
    }
}

fn tpm(sent: TpmRequest) -> Result<TpmKeys, ServiceError> {
    let refuse = |why: &str| Err(ServiceError::new(&errors::INVALID_ENDORSEMENT_KEY, why));
    match sent.endorsement_key {
        Some(key) if !key.is_empty() && STANDARD.decode(&key).is_ok() => {
            Ok(TpmKeys { endorsement_key: key, storage_root_key: sent.storage_root_key })
        }
        Some(_) => refuse("attestation.tpm.endorsementKey is not base64."),
        None => refuse("attestation.tpm.endorsementKey is required."),
    }
}

fn symmetric_keys(
    sent: SymmetricKeyRequest,
    current: Option<&Attestation>,
    ground: &Ground,
) -> Result<SymmetricKeys, ServiceError> {
    let kept = match current {
        Some(Attestation::SymmetricKey(keys)) => Some(keys),
        _ => None,
    };
    Ok(SymmetricKeys {
        primary_key: symmetric_key(sent.primary_key, kept.map(|keys| &keys.primary_key), "primaryKey", ground)?,
        secondary_key: symmetric_key(sent.secondary_key, kept.map(|keys| &keys.secondary_key), "secondaryKey", ground)?,
    })
}

fn symmetric_key(
    sent: Option<Secret>,
    kept: Option<&Secret>,
    member: &str,
    ground: &Ground,
) -> Result<Secret, ServiceError> {
    let Some(key) = sent.filter(|key| !key.reveal().is_empty()) else {
        return Ok(kept.cloned().unwrap_or_else(|| Secret::new(ground.entropy.key(64))));
    };
    match STANDARD.decode(key.reveal()) {
        Ok(bytes) if (16..=64).contains(&bytes.len()) => Ok(key),
        _ => {
            Err(errors::invalid(&format!("attestation.symmetricKey.{member}"), "must be the base64 of 16 to 64 bytes."))
        }
    }
}

fn x509(sent: X509Request, holder: Holder, current: Option<&Attestation>) -> Result<Attestation, ServiceError> {
    match (sent.client_certificates, sent.signing_certificates, sent.ca_references, holder) {
        (Some(Object(pair)), None, None, Holder::Individual) => {
            let kept = match current {
                Some(Attestation::ClientCertificates(kept)) => Some(kept),
                _ => None,
            };
            certificates(pair, kept, "attestation.x509.clientCertificates").map(Attestation::ClientCertificates)
        }
        (None, Some(Object(pair)), None, Holder::Group) => {
            let kept = match current {
                Some(Attestation::SigningCertificates(kept)) => Some(kept),
                _ => None,
            };
            certificates(pair, kept, "attestation.x509.signingCertificates").map(Attestation::SigningCertificates)
        }
        (None, None, Some(Object(names)), _) if names.primary.is_some() || names.secondary.is_some() => {
            Ok(Attestation::CertificateAuthorities(names))
        }
        (.., Holder::Individual) => {
            Err(errors::invalid("attestation.x509", "must have either clientCertificates or caReferences."))
        }
        (.., Holder::Group) => {
            Err(errors::invalid("attestation.x509", "must have either signingCertificates or caReferences."))
        }
    }
}

fn certificates(
    sent: CertificatesRequest,
    kept: Option<&CertificatePair>,
    place: &str,
) -> Result<CertificatePair, ServiceError> {
    let primary = certificate(sent.primary, kept, &format!("{place}.primary"))?
        .ok_or_else(|| errors::invalid(&format!("{place}.primary"), "is required."))?;
    let secondary = certificate(sent.secondary, kept, &format!("{place}.secondary"))?;
    Ok(CertificatePair { secondary: secondary.unwrap_or_else(|| primary.clone()), primary })
}

fn certificate(
    sent: Option<Object<CertificateRequest>>,
    kept: Option<&CertificatePair>,
    place: &str,
) -> Result<Option<Certificate>, ServiceError> {
    let Some(Object(sent)) = sent else { return Ok(None) };
    if let Some(text) = sent.certificate.filter(|text| !text.is_empty()) {
        return Certificate::read(&text, &format!("{place}.certificate")).map(Some);
    }
    let named = sent.info.and_then(|Object(info)| info.sha256_thumbprint);
    let same = |certificate: &&Certificate| {
        named.as_ref().is_some_and(|named| named.eq_ignore_ascii_case(&certificate.info.sha256_thumbprint))
    };
    match kept.and_then(|kept| [&kept.primary, &kept.secondary].into_iter().find(same)) {
        Some(certificate) => Ok(Some(certificate.clone())),
        None if named.is_some() => {
            Err(errors::invalid(place, "names a certificate that this enrollment does not have."))
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::SeededEntropy;
    use serde_json::json;

    use super::*;

    fn accept(holder: Holder, value: &serde_json::Value, current: Option<&Attestation>) -> Result<Attestation, String> {
        let ground = Ground { entropy: std::sync::Arc::new(SeededEntropy::new(1)), ..Ground::system() };
        serde_json::from_value::<AttestationRequest>(value.clone())
            .map_err(|error| error.to_string())?
            .accept(holder, current, &ground)
            .map_err(|error| error.message)
    }

    #[test]
    fn null_keys_are_generated_with_64_bytes_and_stay_on_the_next_write() {
        let sent = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": null, "secondaryKey": null}});
        let first = accept(Holder::Group, &sent, None).unwrap();
        let Attestation::SymmetricKey(keys) = &first else { panic!("symmetric keys were asked for") };
        assert_eq!(STANDARD.decode(keys.primary_key.reveal()).unwrap().len(), 64);
        assert_ne!(keys.primary_key, keys.secondary_key);
        assert_eq!(accept(Holder::Group, &json!({"type": "symmetricKey"}), Some(&first)).unwrap(), first);
    }

    #[test]
    fn keys_of_another_length_are_refused() {
        for key in ["AAAA", "not base64", &STANDARD.encode([0; 65])] {
            let sent = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": key}});
            assert!(accept(Holder::Individual, &sent, None).unwrap_err().contains("primaryKey"), "{key}");
        }
    }

    #[test]
    fn a_kind_that_does_not_fit_the_holder_is_refused() {
        let tpm = json!({"type": "tpm", "tpm": {"endorsementKey": "AToAAQ=="}});
        assert!(accept(Holder::Individual, &tpm, None).is_ok());
        assert!(accept(Holder::Group, &tpm, None).is_err());
        assert!(accept(Holder::Individual, &json!({"type": "none"}), None).is_err());
        let signing = json!({"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": "x"}}}});
        assert!(accept(Holder::Individual, &signing, None).unwrap_err().contains("clientCertificates"));
    }

    #[test]
    fn a_certificate_shown_by_its_info_stays() {
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        let sent = json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": pem}}}});
        let first = accept(Holder::Individual, &sent, None).unwrap();
        let Attestation::ClientCertificates(pair) = &first else { panic!("client certificates were asked for") };
        assert_eq!(pair.primary, pair.secondary);
        let shown = json!({"info": pair.primary.info});
        let again = json!({"type": "x509", "x509": {"clientCertificates": {"primary": shown}}});
        assert_eq!(accept(Holder::Individual, &again, Some(&first)).unwrap(), first);
        assert!(accept(Holder::Individual, &again, None).is_err());
    }
}
