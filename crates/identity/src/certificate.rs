//! Client certificates: is this the one that was registered, or one that a registered authority issued for this id?
//!
//! The handshake proved that the caller has the private key; here it is decided whose certificate it is. Times are the world's.

mod chain;

pub(crate) use chain::signed;

use std::fmt::Write;

use aws_lc_rs::digest;
use iolite_kernel::Timestamp;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::identity::shown;
use crate::trail::{Refused, Trail};
use crate::{AttestationKeys, CheckKind, ClientCertificate, Footing, Reason};

/// Whether `certificate` is one that `keys` name for `id` and is in its time at `now`; what it stands on. Every check is put on
/// `trail`.
pub(crate) fn examine(
    certificate: &ClientCertificate,
    keys: &AttestationKeys,
    id: &str,
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Footing, Refused> {
    let Some((own, issuers)) = certificate.chain.split_first() else {
        let detail = "the connection has no certificate";
        return Err(trail.fail(CheckKind::Certificate, Reason::CertificateMismatch, detail));
    };
    let Ok((_, parsed)) = X509Certificate::from_der(own) else {
        let detail = "the certificate cannot be read";
        return Err(trail.fail(CheckKind::Certificate, Reason::CertificateMismatch, detail));
    };
    let footing = match keys {
        AttestationKeys::Thumbprint { primary, secondary } => {
            trail.pass(CheckKind::Certificate, "signs in by thumbprint");
            let footing = check_thumbprint(own, [primary.as_deref(), secondary.as_deref()], trail);
            check_in_time(&parsed, now, trail);
            footing
        }
        AttestationKeys::CertificateAuthority { roots, unverified } => {
            trail.pass(CheckKind::Certificate, "signs in by an authority's certificate");
            check_in_time(&parsed, now, trail);
            check_common_name(&parsed, id, trail);
            chain::check(chain::Shown { own, parsed: &parsed, issuers }, roots, unverified, now, trail)
        }
        AttestationKeys::SymmetricKey { .. } | AttestationKeys::None => {
            let detail = "a certificate was shown; it signs in by another means";
            return Err(trail.fail(CheckKind::Certificate, Reason::WrongMeans, detail));
        }
    }?;
    trail.so_far()?;
    Ok(footing)
}

/// The same for one of several candidates: its checks alone.
pub(crate) fn check(certificate: &ClientCertificate, keys: &AttestationKeys, id: &str, now: Timestamp) -> Trail {
    let mut trail = Trail::new();
    // What failed is on the trail, which is looked at next.
    let _ = examine(certificate, keys, id, now, &mut trail);
    trail
}

/// Whether the SHA-1 or SHA-256 thumbprint is one of those registered.
fn check_thumbprint(der: &[u8], registered: [Option<&str>; 2], trail: &mut Trail) -> Result<Footing, Refused> {
    let prints = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256].map(|algorithm| thumbprint(algorithm, der));
    let names = ["the primary thumbprint", "the secondary thumbprint"];
    for (wanted, name) in registered.into_iter().zip(names) {
        let fits = |wanted: &&str| prints.iter().any(|print| print.eq_ignore_ascii_case(wanted.trim()));
        if let Some(wanted) = wanted.filter(fits) {
            trail.pass(CheckKind::Thumbprint, name);
            return Ok(Footing::of_thumbprint(wanted));
        }
    }
    let detail = format!("its SHA-1 thumbprint is {}, which is not registered", prints[0]);
    Err(trail.fail(CheckKind::Thumbprint, Reason::CertificateMismatch, detail))
}

pub(crate) fn thumbprint(algorithm: &'static digest::Algorithm, der: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest::digest(algorithm, der).as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn check_in_time(certificate: &X509Certificate<'_>, now: Timestamp, trail: &mut Trail) {
    let validity = certificate.validity();
    let shown = |second: i64| Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string());
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if now.as_second() < from {
        let detail = format!("it is good from {}; the clock shows {now}", shown(from));
        trail.fail(CheckKind::NotBefore, Reason::NotYetValid, detail);
    } else if now.as_second() > until {
        let detail = format!("it was good until {}; the clock shows {now}", shown(until));
        trail.fail(CheckKind::Expiry, Reason::Expired, detail);
    } else {
        trail.pass(CheckKind::Expiry, "");
    }
}

/// The common names of the subject, in order; an empty text for one that is no text.
pub(crate) fn common_names<'a>(certificate: &'a X509Certificate<'_>) -> impl Iterator<Item = &'a str> {
    certificate.subject().iter_common_name().map(|name| name.as_str().unwrap_or_default())
}

/// Whether the subject has one common name, and that is the id, with case.
fn check_common_name(certificate: &X509Certificate<'_>, id: &str, trail: &mut Trail) {
    let mut names = common_names(certificate);
    let detail = match (names.next(), names.next()) {
        (Some(name), None) if name == id => return trail.pass(CheckKind::CommonName, ""),
        (Some(name), None) => format!("its common name is {}; wanted {}", shown(name), shown(id)),
        (None, _) => "its subject has no common name".to_owned(),
        _ => "its subject has several common names".to_owned(),
    };
    trail.fail(CheckKind::CommonName, Reason::CommonNameMismatch, detail);
}

#[cfg(test)]
mod tests;
