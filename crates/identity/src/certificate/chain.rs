//! The way from a client's certificate up to an authority that vouches for callers.
//!
//! webpki walks it: signatures, times, basic constraints, path lengths, name constraints and the purpose (signing in as a
//! client), within its own budget of steps. It knows X.509 v3 only; devices' certificates made without any extension are v1, and
//! are taken straight below an authority (`openssl x509 -req` made such for years, and Microsoft's tutorials use it).

use std::sync::Arc;
use std::time::Duration;

use iolite_kernel::Timestamp;
use pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, RawPublicKeyEntity, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use crate::trail::{Refused, Trail};
use crate::{CheckKind, Footing, Reason};

/// More certificates between a client's own and an authority's are not looked at.
const LONGEST_CHAIN: usize = 10;

/// What a client showed.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) own: &'a [u8],
    pub(super) parsed: &'a X509Certificate<'a>,
    pub(super) issuers: &'a [Vec<u8>],
}

/// Which of `roots` vouches for what is shown.
pub(super) fn check(
    shown: Shown<'_>,
    roots: &[Arc<[u8]>],
    unverified: &[Arc<[u8]>],
    now: Timestamp,
    trail: &mut Trail,
) -> Result<Footing, Refused> {
    if shown.issuers.len() > LONGEST_CHAIN {
        let detail = format!("{} certificates came with it; {LONGEST_CHAIN} are looked at", shown.issuers.len());
        return Err(trail.fail(CheckKind::Chain, Reason::UntrustedCertificate, detail));
    }
    let (current, past): (Vec<_>, Vec<_>) = roots.iter().partition(|root| is_current(root, now));
    match vouching(shown, &current, now) {
        Ok(root) => {
            trail.pass(CheckKind::Chain, format!("up to {}", subject(root)));
            Ok(Footing::of_authority(root))
        }
        Err(why) => {
            if let Ok(root) = vouching(shown, &past, now) {
                let detail = format!("it chains to {}, whose own time is not now: {now}", subject(root));
                return Err(trail.fail(CheckKind::Chain, Reason::Expired, detail));
            }
            let detail = match vouching(shown, &unverified.iter().collect::<Vec<_>>(), now) {
                Ok(root) => format!("it chains to {}, which is registered and not verified yet", subject(root)),
                Err(_) => format!("it does not chain to one of {} verified authorities: {why}", roots.len()),
            };
            Err(trail.fail(CheckKind::Chain, Reason::UntrustedCertificate, detail))
        }
    }
}

/// The first of `roots` that the certificate chains to; else what stood in the way.
fn vouching<'a>(shown: Shown<'_>, roots: &[&'a Arc<[u8]>], now: Timestamp) -> Result<&'a [u8], String> {
    if shown.parsed.version() != X509Version::V3 {
        return roots.iter().find(|root| signed(shown.parsed, root)).map(|root| &***root).ok_or_else(|| {
            "it is an X.509 v1 certificate, and those are taken straight below an authority only".to_owned()
        });
    }
    let own = CertificateDer::from(shown.own);
    let end = EndEntityCert::try_from(&own).map_err(|error| format!("it cannot be used: {error}"))?;
    let issuers: Vec<CertificateDer<'_>> =
        shown.issuers.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let mut why = "there are none".to_owned();
    for root in roots {
        match climb(&end, &issuers, root, now) {
            Ok(()) => return Ok(root),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn climb(end: &EndEntityCert<'_>, issuers: &[CertificateDer<'_>], root: &[u8], now: Timestamp) -> Result<(), String> {
    let root = CertificateDer::from(root);
    let anchor = anchor_from_trusted_cert(&root).map_err(|error| error.to_string())?;
    let anchors: [TrustAnchor<'_>; 1] = [anchor];
    let since = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default());
    let at = UnixTime::since_unix_epoch(since);
    end.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, issuers, at, KeyUsage::client_auth(), None, None)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Whether the authority `root` issued this certificate and signed it.
pub(crate) fn signed(certificate: &X509Certificate<'_>, root: &[u8]) -> bool {
    let Ok((_, root)) = X509Certificate::from_der(root) else { return false };
    if root.subject().as_raw() != certificate.issuer().as_raw() {
        return false;
    }
    let key = SubjectPublicKeyInfoDer::from(root.public_key().raw);
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else { return false };
    let (text, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    ALL_VERIFICATION_ALGS.iter().any(|algorithm| key.verify_signature(*algorithm, text, signature).is_ok())
}

fn is_current(root: &[u8], now: Timestamp) -> bool {
    X509Certificate::from_der(root).is_ok_and(|(_, root)| {
        let validity = root.validity();
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now.as_second())
    })
}

/// An authority's subject, for people.
fn subject(root: &[u8]) -> String {
    let name = X509Certificate::from_der(root).map(|(_, root)| root.subject().to_string());
    super::shown(&name.unwrap_or_default())
}
