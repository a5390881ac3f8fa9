//! X.509 authorities as they are registered: read, described, and proved to be their owner's.
//!
//! Called by `arm`, for hubs and provisioning services. Whether an authority vouches for a device is `certificate`'s business.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::Timestamp;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use crate::certificate::{common_names, signed, thumbprint};

/// The longest certificate that is read, as text, in bytes.
const LONGEST: usize = 64 * 1024;

/// What is shown of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityFacts {
    /// The subject's common name; the whole subject where it has none.
    pub subject: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The SHA-1 of the certificate, upper-case hexadecimal.
    pub thumbprint: String,
}

/// What is wrong with a certificate that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorityError {
    /// It is neither PEM nor DER in base64, or no X.509 certificate.
    Unreadable,
    /// It says of itself that it is no authority.
    NotAnAuthority,
    /// The verification certificate's common name is not the code that was given out.
    OtherCode,
    /// The verification certificate is out of its time.
    OutOfTime,
    /// The authority, whose subject this is, did not sign the verification certificate.
    NotSignedBy(String),
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => {
                formatter.write_str("the certificate is neither PEM nor the base64 of an X.509 certificate")
            }
            Self::NotAnAuthority => {
                formatter.write_str("the certificate is no authority's: its basic constraints do not say CA")
            }
            Self::OtherCode => {
                formatter.write_str("the common name of the verification certificate is not the verification code")
            }
            Self::OutOfTime => formatter.write_str("the verification certificate is not yet, or no longer, good"),
            Self::NotSignedBy(subject) => {
                write!(formatter, "the verification certificate was not issued by {subject}")
            }
        }
    }
}

impl std::error::Error for AuthorityError {}

/// The DER of a certificate sent as PEM, as the base64 of its DER, or as the base64 of PEM. Of several the first counts.
pub fn read_certificate(text: &str) -> Result<Vec<u8>, AuthorityError> {
    if text.len() > LONGEST {
        return Err(AuthorityError::Unreadable);
    }
    let der = if text.contains("-----BEGIN") {
        from_pem(text.as_bytes())?
    } else {
        let bare: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(bare).map_err(|_| AuthorityError::Unreadable)?;
        if bytes.starts_with(b"-----BEGIN") { from_pem(&bytes)? } else { bytes }
    };
    match X509Certificate::from_der(&der) {
        Ok(([], _)) => Ok(der),
        _ => Err(AuthorityError::Unreadable),
    }
}

fn from_pem(text: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    let (_, pem) = parse_x509_pem(text).map_err(|_| AuthorityError::Unreadable)?;
    if pem.label == "CERTIFICATE" { Ok(pem.contents) } else { Err(AuthorityError::Unreadable) }
}

/// What is shown of the authority `der`; an error where it is none. A certificate of X.509's first version cannot say whether it
/// is one, and may be.
pub fn describe_authority(der: &[u8]) -> Result<AuthorityFacts, AuthorityError> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| AuthorityError::Unreadable)?;
    if certificate.version() == X509Version::V3 && !certificate.is_ca() {
        return Err(AuthorityError::NotAnAuthority);
    }
    let ends = certificate.validity().not_after.timestamp();
    Ok(AuthorityFacts {
        subject: subject(&certificate),
        expires_at: Timestamp::from_second(ends).map_err(|_| AuthorityError::Unreadable)?,
        thumbprint: thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY, der),
    })
}

/// Whether `proof`, DER, shows at `now` that its sender has the authority's private key: the authority signed it, and its common
/// name is `code`.
pub fn prove_possession(authority: &[u8], proof: &[u8], code: &str, now: Timestamp) -> Result<(), AuthorityError> {
    let (_, proof) = X509Certificate::from_der(proof).map_err(|_| AuthorityError::Unreadable)?;
    let mut names = common_names(&proof);
    let is_code = names.next().is_some_and(|name| name.eq_ignore_ascii_case(code)) && names.next().is_none();
    if !is_code {
        return Err(AuthorityError::OtherCode);
    }
    let validity = proof.validity();
    if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now.as_second()) {
        return Err(AuthorityError::OutOfTime);
    }
    if signed(&proof, authority) {
        return Ok(());
    }
    let name = X509Certificate::from_der(authority).map(|(_, authority)| subject(&authority)).unwrap_or_default();
    Err(AuthorityError::NotSignedBy(name))
}

fn subject(certificate: &X509Certificate<'_>) -> String {
    let common = common_names(certificate).next().filter(|name| !name.is_empty());
    common.map_or_else(|| certificate.subject().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn params(name: &str) -> CertificateParams {
        let at = |second: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(second).unwrap());
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = at(NOW - 60).into();
        params.not_after = at(NOW + 60).into();
        params
    }

    fn authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), Issuer::new(params, key))
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    #[test]
    fn every_form_that_clients_send_is_read() {
        let (certificate, _) = authority("root");
        let (pem, der) = (certificate.pem(), certificate.der().to_vec());
        for text in [
            pem.clone(),
            format!("{pem}{}", authority("other").0.pem()),
            STANDARD.encode(&der),
            STANDARD.encode(&pem),
            pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n"),
        ] {
            assert_eq!(read_certificate(&text).as_ref(), Ok(&der), "{text}");
        }
        let key = KeyPair::generate().unwrap().serialize_pem();
        for text in
            ["", "no certificate", "MAMCAQE=", &key, &"a".repeat(100_000), &STANDARD.encode([&der[..], b"x"].concat())]
        {
            assert_eq!(read_certificate(text), Err(AuthorityError::Unreadable), "{text}");
        }
    }

    #[test]
    fn an_authority_is_described_and_a_device_s_certificate_is_none() {
        let (certificate, _) = authority("Contoso Root");
        let facts = describe_authority(certificate.der()).unwrap();
        assert_eq!((facts.subject.as_str(), facts.expires_at.as_second()), ("Contoso Root", NOW + 60));
        assert!(facts.thumbprint.len() == 40 && facts.thumbprint == facts.thumbprint.to_uppercase());
        let leaf = params("dev1").self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(describe_authority(leaf.der()), Err(AuthorityError::NotAnAuthority));
    }

    #[test]
    fn possession_is_proved_by_a_certificate_named_after_the_code() {
        let (root, issuer) = authority("root");
        let (_, stranger) = authority("root");
        let proof = |name: &str, issuer: &Issuer<'_, KeyPair>| {
            params(name).signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().to_vec()
        };
        let check = |proof: &[u8], now: i64| {
            prove_possession(root.der(), proof, "ABC123", Timestamp::from_second(now).unwrap())
        };
        assert_eq!(check(&proof("ABC123", &issuer), NOW), Ok(()));
        assert_eq!(check(&proof("abc123", &issuer), NOW), Ok(()), "a code is hexadecimal");
        assert_eq!(check(&proof("ABC124", &issuer), NOW), Err(AuthorityError::OtherCode));
        assert_eq!(check(&proof("ABC123", &issuer), NOW + 61), Err(AuthorityError::OutOfTime));
        let forged = proof("ABC123", &stranger);
        assert_eq!(check(&forged, NOW), Err(AuthorityError::NotSignedBy("root".to_owned())));
        assert_eq!(prove_possession(root.der(), b"", "ABC123", now()), Err(AuthorityError::Unreadable));
    }
}
