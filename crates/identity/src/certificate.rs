//! Client certificates: is this the one that was registered, or one that a registered authority issued for this id?
//!
//! The handshake proved that the caller has the private key; here it is decided whose certificate it is.

use std::fmt::Write;
use std::time::Duration;

use aws_lc_rs::digest;
use iolite_kernel::Timestamp;
use pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{AttestationKeys, ClientCertificate, Reason};

/// Why a certificate does not do, with what was found and wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CertificateFault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

/// Whether `certificate` is one that `keys` name for `id` and is in its time at `now`.
pub(crate) fn check(
    certificate: &ClientCertificate,
    keys: &AttestationKeys,
    id: &str,
    now: Timestamp,
) -> Result<&'static str, CertificateFault> {
    let mismatch = |detail: String| CertificateFault { reason: Reason::CertificateMismatch, detail };
    let Some((own, issuers)) = certificate.chain.split_first() else {
        return Err(mismatch("the connection has no certificate".to_owned()));
    };
    let Ok((_, parsed)) = X509Certificate::from_der(own) else {
        return Err(mismatch("the certificate cannot be read".to_owned()));
    };
    let how = match keys {
        AttestationKeys::Thumbprint { primary, secondary } => {
            check_thumbprint(own, [primary.as_deref(), secondary.as_deref()]).map_err(mismatch)?
        }
        AttestationKeys::CertificateAuthority { roots } => {
            check_in_time(&parsed, now)?;
            check_common_name(&parsed, id).map_err(mismatch)?;
            check_chain(own, issuers, roots, now).map_err(mismatch)?;
            "issued by a registered authority, and named after the id"
        }
        AttestationKeys::SymmetricKey { .. } | AttestationKeys::None => {
            let detail = "a certificate was shown; it signs in by another means".to_owned();
            return Err(CertificateFault { reason: Reason::WrongMeans, detail });
        }
    };
    check_in_time(&parsed, now)?;
    Ok(how)
}

/// Whether the SHA-1 or SHA-256 thumbprint is one of those registered.
fn check_thumbprint(der: &[u8], registered: [Option<&str>; 2]) -> Result<&'static str, String> {
    let prints = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256].map(|algorithm| thumbprint(algorithm, der));
    let fits = |wanted: Option<&str>| {
        wanted.is_some_and(|wanted| prints.iter().any(|print| print.eq_ignore_ascii_case(wanted.trim())))
    };
    match registered.map(fits) {
        [true, _] => Ok("the primary thumbprint"),
        [false, true] => Ok("the secondary thumbprint"),
        [false, false] => Err(format!("its SHA-1 thumbprint is {}, which is not registered", prints[0])),
    }
}

fn thumbprint(algorithm: &'static digest::Algorithm, der: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest::digest(algorithm, der).as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn check_in_time(certificate: &X509Certificate<'_>, now: Timestamp) -> Result<(), CertificateFault> {
    let validity = certificate.validity();
    let shown = |second: i64| Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string());
    if now.as_second() < validity.not_before.timestamp() {
        let detail = format!("it is good from {}; the clock shows {now}", shown(validity.not_before.timestamp()));
        return Err(CertificateFault { reason: Reason::NotYetValid, detail });
    }
    if now.as_second() > validity.not_after.timestamp() {
        let detail = format!("it was good until {}; the clock shows {now}", shown(validity.not_after.timestamp()));
        return Err(CertificateFault { reason: Reason::Expired, detail });
    }
    Ok(())
}

/// Whether the subject has one common name, and that is the id.
fn check_common_name(certificate: &X509Certificate<'_>, id: &str) -> Result<(), String> {
    let mut names = certificate.subject().iter_common_name().map(|name| name.as_str().unwrap_or_default());
    match (names.next(), names.next()) {
        (Some(name), None) if name == id => Ok(()),
        (None, _) => Err("its subject has no common name".to_owned()),
        _ => Err("its common name is not the id".to_owned()),
    }
}

/// Whether the certificate chains to one of `roots`, for signing in as a client.
fn check_chain(own: &[u8], issuers: &[Vec<u8>], roots: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
    let own = CertificateDer::from(own);
    let end = EndEntityCert::try_from(&own).map_err(|error| format!("it cannot be used: {error}"))?;
    let issuers: Vec<CertificateDer<'_>> = issuers.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
    let since = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default());
    end.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &issuers,
        UnixTime::since_unix_epoch(since),
        KeyUsage::client_auth(),
        None,
        None,
    )
    .map(|_| ())
    .map_err(|error| format!("it does not chain to a registered authority: {error}"))
}

#[cfg(test)]
mod tests;
