//! Certificates of enrolments: read once when they are taken in, then shown by what is in them, never as PEM.
//!
//! The forms of the names, numbers and thumbprints are those of recordings of 2023 (api-version 2021-10-01).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iolite_kernel::{ServiceError, Timestamp, iso_seconds};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::errors;

/// A certificate as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Certificate {
    /// The DER, base64.
    pub(crate) der: String,
    /// What is in it.
    pub(crate) info: CertificateInfo,
}

/// What the service tells about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateInfo {
    pub(crate) subject_name: String,
    /// SHA-1 of the DER, upper-case hexadecimal.
    pub(crate) sha1_thumbprint: String,
    /// SHA-256 of the DER, upper-case hexadecimal.
    pub(crate) sha256_thumbprint: String,
    pub(crate) issuer_name: String,
    pub(crate) not_before_utc: String,
    pub(crate) not_after_utc: String,
    /// Upper-case hexadecimal.
    pub(crate) serial_number: String,
    /// 1 to 3.
    pub(crate) version: u32,
}

impl Certificate {
    /// Reads a certificate given as PEM or as the base64 inside it. `place` is the member it stands in.
    pub(crate) fn read(text: &str, place: &str) -> Result<Self, ServiceError> {
        let refuse = || errors::invalid(place, "is not an X.509 certificate in PEM or base64.");
        let der = STANDARD.decode(inside(text)).map_err(|error| refuse().because(error))?;
        let (rest, certificate) = X509Certificate::from_der(&der).map_err(|error| refuse().because(error))?;
        if !rest.is_empty() {
            return Err(refuse());
        }
        let moment = |seconds: i64| Timestamp::from_second(seconds).map(iso_seconds).map_err(|_| refuse());
        let info = CertificateInfo {
            subject_name: name(certificate.subject()),
            sha1_thumbprint: hexadecimal(&Sha1::digest(&der)),
            sha256_thumbprint: hexadecimal(&Sha256::digest(&der)),
            issuer_name: name(certificate.issuer()),
            not_before_utc: moment(certificate.validity().not_before.timestamp())?,
            not_after_utc: moment(certificate.validity().not_after.timestamp())?,
            serial_number: hexadecimal(certificate.raw_serial()),
            version: certificate.version().0 + 1,
        };
        Ok(Self { der: STANDARD.encode(&der), info })
    }

    /// The DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        STANDARD.decode(&self.der).unwrap_or_default()
    }
}

/// The base64 between the lines of a PEM, or the text itself, without white space.
fn inside(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let body = match text.split_once(BEGIN) {
        Some((_, rest)) => rest.split("-----END").next().unwrap_or_default(),
        None => text,
    };
    body.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// A distinguished name as .NET prints it: the last part first, parts joined by a comma and a space.
fn name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            let attributes = rdn.iter().map(|attribute| {
                let oid = attribute.attr_type().to_id_string();
                let value = attribute.as_str().map_or_else(|_| hexadecimal(attribute.as_slice()), str::to_owned);
                format!("{}={}", short_name(&oid), quoted(value))
            });
            attributes.collect::<Vec<_>>().join(" + ")
        })
        .collect();
    parts.reverse();
    parts.join(", ")
}

/// .NET puts a value in quotes when it holds what separates values.
fn quoted(value: String) -> String {
    if value.contains([',', '+', '"', '=', '\n', '<', '>', '#', ';']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

/// .NET's short name of an attribute, or `OID.` and its number.
fn short_name(oid: &str) -> String {
    let known = match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "S",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "T",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        _ => return format!("OID.{oid}"),
    };
    known.to_owned()
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber};

    use super::*;

    fn pem() -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Contoso, Ltd");
        params.distinguished_name.push(DnType::CommonName, "dev-1");
        params.serial_number = Some(SerialNumber::from(vec![0x3d, 0xe5, 0x13]));
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2027, 1, 2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn a_certificate_is_told_in_the_recorded_form() {
        let read = Certificate::read(&pem(), "primary").unwrap();
        assert_eq!(read.info.subject_name, "CN=dev-1, O=\"Contoso, Ltd\"");
        assert_eq!(read.info.issuer_name, read.info.subject_name);
        assert_eq!(read.info.serial_number, "3DE513");
        assert_eq!(read.info.not_before_utc, "2026-01-02T00:00:00Z");
        assert_eq!(read.info.version, 3);
        assert_eq!(read.info.sha1_thumbprint.len(), 40);
        assert_eq!(read.info.sha256_thumbprint.len(), 64);
        assert_eq!(read.info.sha256_thumbprint, hexadecimal(&Sha256::digest(read.der())));
    }

    #[test]
    fn the_bare_base64_is_the_same_certificate() {
        let pem = pem();
        let bare: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        assert_eq!(Certificate::read(&pem, "primary").unwrap(), Certificate::read(&bare, "primary").unwrap());
    }

    #[test]
    fn what_is_no_certificate_is_refused_by_its_place() {
        for text in ["", "certificate", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
            let refused = Certificate::read(text, "attestation.x509.clientCertificates.primary").unwrap_err();
            assert!(refused.message.starts_with("attestation.x509"), "{}", refused.message);
        }
    }
}
