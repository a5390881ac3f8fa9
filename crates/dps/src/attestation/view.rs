//! Showing an attestation: symmetric keys only where they are asked for, certificates by what is in them.

use serde::Serialize;

use super::{Attestation, CertificateInfo, CertificatePair, CertificateReferences, SymmetricKeys, TpmKeys};

/// Whether symmetric keys are shown: in PUT answers and in `attestationmechanism` they are, in GET and query not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// They are.
    Shown,
    /// They are not; the kind is all that is seen.
    Hidden,
}

/// An attestation as answers carry it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttestationView<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<&'a TpmKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x509: Option<X509View<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symmetric_key: Option<&'a SymmetricKeys>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct X509View<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificates: Option<PairView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_certificates: Option<PairView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_references: Option<&'a CertificateReferences>,
}

#[derive(Debug, Serialize)]
struct PairView<'a> {
    primary: CertificateView<'a>,
    secondary: CertificateView<'a>,
}

#[derive(Debug, Serialize)]
struct CertificateView<'a> {
    info: &'a CertificateInfo,
}

impl Attestation {
    /// The attestation as an answer carries it.
    pub(crate) fn view(&self, keys: Keys) -> AttestationView<'_> {
        let empty = AttestationView { r#type: "x509", tpm: None, x509: None, symmetric_key: None };
        match self {
            Self::Tpm(tpm) => AttestationView { r#type: "tpm", tpm: Some(tpm), ..empty },
            Self::SymmetricKey(pair) => AttestationView {
                r#type: "symmetricKey",
                symmetric_key: (keys == Keys::Shown).then_some(pair),
                ..empty
            },
            Self::ClientCertificates(pair) => AttestationView {
                x509: Some(X509View { client_certificates: Some(pair.view()), ..<_>::default() }),
                ..empty
            },
            Self::SigningCertificates(pair) => AttestationView {
                x509: Some(X509View { signing_certificates: Some(pair.view()), ..<_>::default() }),
                ..empty
            },
            Self::CertificateAuthorities(names) => {
                AttestationView { x509: Some(X509View { ca_references: Some(names), ..<_>::default() }), ..empty }
            }
        }
    }
}

impl CertificatePair {
    const fn view(&self) -> PairView<'_> {
        PairView {
            primary: CertificateView { info: &self.primary.info },
            secondary: CertificateView { info: &self.secondary.info },
        }
    }
}
