//! Client assertions: signed tokens by which an application proves itself instead of by a secret. Read and judged here;
//! nothing that an assertion says is believed before its signature is checked by a key that the directory registered.
//!
//! Sources: RFC 7523, section 3; "Certificate credentials" and "Workload identity federation" of the Microsoft identity
//! platform. Two liberties are needed for Azure's own SDKs (see docs/quirks.md): azure-identity pads its base64url, and
//! MSAL sends one assertion again until it runs out, so that a `jti` seen before is no reason to refuse.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use iolite_kernel::{ErrorCode, ServiceError, Timestamp};
use iolite_resources::{ApplicationCertificate, FederatedCredential, Tenant};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::certificate::{Algorithm, Certificate, Key};
use crate::errors::{
    ASSERTION_AUDIENCE, ASSERTION_CLIENT, ASSERTION_SIGNATURE, ASSERTION_TIME, CERTIFICATE_TIME, FEDERATED_AUDIENCE,
    FEDERATED_ISSUER, FEDERATED_SIGNATURE, FEDERATED_SUBJECT, MALFORMED_ASSERTION, NO_FEDERATED_CREDENTIAL,
};
use crate::tenant::Authority;

/// Longer assertions are refused unread.
const LONGEST_BYTES: usize = 16 * 1024;

/// How far clocks may be apart, in seconds.
const LEEWAY_SECONDS: f64 = 300.0;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An assertion as it was sent: read, and not believed.
pub(crate) struct Assertion<'a> {
    algorithm: Algorithm,
    header: Header,
    claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// The header's fields that count. Whatever else it has, keys and their addresses above all, is of no effect.
#[derive(Deserialize)]
struct Header {
    alg: String,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    /// MSAL writes fractions of a second.
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn contains(&self, wanted: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => wanted(one),
            Self::Many(many) => many.iter().any(|one| wanted(one)),
        }
    }

    /// Whether there is one alone, and it is the wanted one.
    fn is(&self, wanted: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => wanted(one),
            Self::Many(many) => matches!(&many[..], [one] if wanted(one)),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::One(one) => clip(one),
            Self::Many(many) => clip(&many.join(", ")),
        }
    }
}

/// Where and when an assertion is judged.
pub(crate) struct Court<'a> {
    /// The directory.
    pub(crate) tenant: &'a Tenant,
    /// The origin that the client dialled.
    pub(crate) origin: &'a str,
    /// Now.
    pub(crate) now: Timestamp,
}

impl<'a> Assertion<'a> {
    /// Reads an assertion.
    pub(crate) fn read(text: &'a str) -> Result<Self, ServiceError> {
        if text.len() > LONGEST_BYTES {
            return Err(malformed("it is too long"));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("a signed token has three parts"));
        };
        let signed = &text.as_bytes()[..header.len() + 1 + claims.len()];
        let header: Header = part(header).ok_or_else(|| malformed("its header cannot be read"))?;
        if header.crit.is_some() || header.b64.is_some() || header.zip.is_some() {
            return Err(malformed("its header asks for an extension that is not supported"));
        }
        let algorithm =
            Algorithm::named(&header.alg).ok_or_else(|| malformed("it is signed by RS256 or PS256 only"))?;
        let claims = part(claims).ok_or_else(|| malformed("its claims iss, sub, aud and exp cannot be read"))?;
        let signature = LENIENT.decode(signature).map_err(|_| malformed("its signature cannot be read"))?;
        Ok(Self { algorithm, header, claims, signed, signature })
    }

    /// Whether the application speaks for itself, rather than an outside issuer for it.
    pub(crate) fn is_own(&self, client_id: &str) -> bool {
        self.claims.iss.eq_ignore_ascii_case(client_id)
    }

    /// Judges an assertion that the application signed with a certificate of its own.
    pub(crate) fn prove_own(
        &self,
        client_id: &str,
        certificates: &[ApplicationCertificate],
        court: &Court<'_>,
    ) -> Result<(), ServiceError> {
        let certificate = self.certificate(certificates)?;
        if !certificate.key.verifies(self.algorithm, self.signed, &self.signature) {
            return Err(refuse(&ASSERTION_SIGNATURE, "The client assertion's signature is wrong."));
        }
        if !certificate.is_valid_at(court.now) {
            return Err(refuse(&CERTIFICATE_TIME, "The certificate is outside the time it is valid for."));
        }
        if !self.is_own(client_id) || !self.claims.sub.eq_ignore_ascii_case(client_id) {
            let text = format!("The client assertion's iss and sub must both be the client_id '{}'.", clip(client_id));
            return Err(refuse(&ASSERTION_CLIENT, &text));
        }
        // An assertion that is for others as well could be shown here by them.
        if !self.claims.aud.is(|aud| is_this_issuer(aud, court)) {
            let text = format!(
                "The client assertion is made for '{}'; it must be made for the token endpoint, '{}/{}/oauth2/v2.0/token'.",
                self.claims.aud.shown(),
                court.origin,
                court.tenant.id
            );
            return Err(refuse(&ASSERTION_AUDIENCE, &text));
        }
        self.check_time(court.now)
    }

    /// Judges an outside issuer's token by the federated credentials of the application. Issuer, subject and audience are
    /// compared with case.
    pub(crate) fn prove_federated(
        &self,
        trusted: &[FederatedCredential],
        court: &Court<'_>,
    ) -> Result<(), ServiceError> {
        let Claims { iss, sub, aud, .. } = &self.claims;
        let unmatched = |code, what: &str, found: &str| {
            let text = format!(
                "No federated credential of the application has the {what} '{}' of the presented assertion; \
                 issuer, subject and audience must all be the same as registered, in the same case.",
                clip(found)
            );
            Err(refuse(code, &text))
        };
        if trusted.is_empty() {
            return unmatched(&NO_FEDERATED_CREDENTIAL, "issuer", iss);
        }
        let mut fitting: Vec<_> = trusted.iter().filter(|credential| credential.issuer == *iss).collect();
        if fitting.is_empty() {
            return unmatched(&FEDERATED_ISSUER, "issuer", iss);
        }
        fitting.retain(|credential| credential.subject == *sub);
        if fitting.is_empty() {
            return unmatched(&FEDERATED_SUBJECT, "subject", sub);
        }
        fitting.retain(|credential| aud.contains(|aud| aud == credential.audience));
        if fitting.is_empty() {
            return unmatched(&FEDERATED_AUDIENCE, "audience", &aud.shown());
        }
        let signed = |credential: &&FederatedCredential| {
            let key = Key::from_pem(&credential.public_key_pem);
            key.is_ok_and(|key| key.verifies(self.algorithm, self.signed, &self.signature))
        };
        if self.algorithm != Algorithm::Rs256 || !fitting.iter().any(signed) {
            let text = "The presented assertion is not signed, with RS256, by the key registered for its issuer.";
            return Err(refuse(&FEDERATED_SIGNATURE, text));
        }
        self.check_time(court.now)
    }

    /// The registered certificate that the header names.
    fn certificate(&self, registered: &[ApplicationCertificate]) -> Result<Certificate, ServiceError> {
        let thumbprint = |text: &Option<String>| text.as_deref().map(|text| LENIENT.decode(text).unwrap_or_default());
        let (sha1, sha256) = (thumbprint(&self.header.x5t), thumbprint(&self.header.x5t_s256));
        if sha1.is_none() && sha256.is_none() {
            let text = "The client assertion's header names no certificate: it must carry x5t#S256 or x5t.";
            return Err(refuse(&ASSERTION_SIGNATURE, text));
        }
        let named = |certificate: &Certificate| {
            sha1.as_ref().is_none_or(|sha1| *sha1 == certificate.sha1)
                && sha256.as_ref().is_none_or(|sha256| *sha256 == certificate.sha256)
        };
        let mut readable = registered.iter().filter_map(|certificate| Certificate::from_pem(&certificate.pem).ok());
        readable.find(named).ok_or_else(|| {
            let text = "The certificate that signed the client assertion is not registered with the application.";
            refuse(&ASSERTION_SIGNATURE, text)
        })
    }

    fn check_time(&self, now: Timestamp) -> Result<(), ServiceError> {
        let now_second = now.as_duration().as_secs_f64();
        let begun = self.claims.nbf.is_none_or(|nbf| nbf - LEEWAY_SECONDS <= now_second);
        if begun && now_second < self.claims.exp + LEEWAY_SECONDS {
            return Ok(());
        }
        let text = format!(
            "The assertion is outside its time: the clock shows {now_second:.0}, it is good from {} to {}.",
            self.claims.nbf.map_or_else(|| "the beginning".to_owned(), |nbf| format!("{nbf:.0}")),
            format_args!("{:.0}", self.claims.exp),
        );
        Err(refuse(&ASSERTION_TIME, &text))
    }
}

/// Whether `audience` is a token endpoint or an issuer of this directory, as the SDKs write them: from the discovery
/// document, or put together from the authority.
fn is_this_issuer(audience: &str, court: &Court<'_>) -> bool {
    let tenant = court.tenant;
    if audience == tenant.issuer_v1() || audience == tenant.issuer_v2() {
        return true;
    }
    [court.origin, "https://login.microsoftonline.com"].iter().any(|origin| {
        Authority::segments(tenant).iter().any(|segment| {
            let path = audience.strip_prefix(origin).and_then(|rest| rest.strip_prefix('/'));
            let rest = path.and_then(|path| path.strip_prefix(segment));
            matches!(rest, Some("/oauth2/v2.0/token" | "/oauth2/token" | "/v2.0"))
        })
    })
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&LENIENT.decode(text).ok()?).ok()
}

fn malformed(why: &str) -> ServiceError {
    refuse(&MALFORMED_ASSERTION, &format!("The assertion is not a signed token that can be used: {why}."))
}

fn refuse(code: &'static ErrorCode, text: &str) -> ServiceError {
    ServiceError::new(code, text)
}

fn clip(text: &str) -> String {
    text.chars().take(256).collect()
}

#[cfg(test)]
mod tests;
