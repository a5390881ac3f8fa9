//! The door's view of enrolments: what a registration id may prove itself by.

use std::sync::Arc;

use iolite_identity::{AttestationKeys, AttestationSource, RegistrationKeys, sas};

use crate::attestation::{Attestation, CertificatePair, SymmetricKeys};
use crate::enrollment::EnrollmentGroup;
use crate::{Dps, identifier};

impl AttestationSource for Dps {
    /// An individual enrolment goes before every group, a disabled one too: that is how one device of a group is kept
    /// out (documented under "disallow specific devices").
    fn candidates(&self, service: &str, registration_id: &str) -> Vec<RegistrationKeys> {
        if let Some(found) = self.enrollments.get(&identifier::key(service, registration_id)) {
            return vec![RegistrationKeys {
                enrollment: found.registration_id.clone(),
                group: false,
                enabled: found.terms.settings.is_enabled(),
                keys: individual_keys(&found.terms.attestation),
            }];
        }
        let groups = self.groups.all(&format!("{service}/"));
        groups.into_iter().map(|(_, group)| of_group(&group, registration_id)).collect()
    }
}

fn of_group(group: &EnrollmentGroup, registration_id: &str) -> RegistrationKeys {
    RegistrationKeys {
        enrollment: group.enrollment_group_id.clone(),
        group: true,
        enabled: group.terms.settings.is_enabled(),
        keys: match &group.terms.attestation {
            Attestation::SymmetricKey(keys) => derived(keys, registration_id).map_or(AttestationKeys::None, symmetric),
            Attestation::SigningCertificates(pair) => {
                AttestationKeys::CertificateAuthority { roots: roots(pair), unverified: Vec::new() }
            }
            other => individual_keys(other),
        },
    }
}

/// TPM and authorities known by name vouch for nobody here: see docs/quirks.md.
fn individual_keys(attestation: &Attestation) -> AttestationKeys {
    match attestation {
        Attestation::SymmetricKey(keys) => symmetric(keys.clone()),
        Attestation::ClientCertificates(pair) => AttestationKeys::Thumbprint {
            primary: Some(pair.primary.info.sha256_thumbprint.clone()),
            secondary: Some(pair.secondary.info.sha256_thumbprint.clone()),
        },
        Attestation::SigningCertificates(_) | Attestation::CertificateAuthorities(_) | Attestation::Tpm(_) => {
            AttestationKeys::None
        }
    }
}

/// The keys that a group gives to one registration id.
pub(crate) fn derived(keys: &SymmetricKeys, registration_id: &str) -> Option<SymmetricKeys> {
    Some(SymmetricKeys {
        primary_key: sas::derive_group_key(&keys.primary_key, registration_id)?,
        secondary_key: sas::derive_group_key(&keys.secondary_key, registration_id)?,
    })
}

fn symmetric(keys: SymmetricKeys) -> AttestationKeys {
    AttestationKeys::SymmetricKey { primary: keys.primary_key, secondary: keys.secondary_key }
}

fn roots(pair: &CertificatePair) -> Vec<Arc<[u8]>> {
    let mut roots: Vec<Arc<[u8]>> = vec![pair.primary.der().into(), pair.secondary.der().into()];
    roots.dedup();
    roots
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Secret;

    use super::*;
    use crate::testing::{SERVICE, World, json};

    #[tokio::test]
    async fn an_individual_enrolment_goes_before_every_group() {
        let world = World::new();
        world.group("fleet").await;
        assert!(world.dps.candidates(SERVICE, "dev-1").iter().all(|candidate| candidate.group));
        world.enroll("dev-1").await;
        let found = world.dps.candidates(SERVICE, "DEV-1");
        assert_eq!(found.len(), 1);
        assert!(!found[0].group && found[0].enabled);
        assert!(world.dps.candidates("another-dps", "dev-1").is_empty());
    }

    #[tokio::test]
    async fn a_group_gives_each_registration_the_documented_key() {
        let world = World::new();
        let key = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==";
        let keys = json!({"primaryKey": key, "secondaryKey": key});
        world.put_group("fleet", json!({"attestation": {"type": "symmetricKey", "symmetricKey": keys}})).await;
        let found = world.dps.candidates(SERVICE, "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6");
        let expected = Secret::new("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
        let AttestationKeys::SymmetricKey { primary, .. } = &found[0].keys else { panic!("a symmetric group") };
        assert_eq!(primary, &expected);
    }

    #[tokio::test]
    async fn a_disabled_enrolment_says_so_and_a_tpm_vouches_for_nobody() {
        let world = World::new();
        world.put_enrollment("dev-1", json!({"provisioningStatus": "disabled"})).await;
        assert!(!world.dps.candidates(SERVICE, "dev-1")[0].enabled);
        let tpm = json!({"attestation": {"type": "tpm", "tpm": {"endorsementKey": "AToAAQ=="}}});
        world.put_enrollment("dev-2", tpm).await;
        assert_eq!(world.dps.candidates(SERVICE, "dev-2")[0].keys, AttestationKeys::None);
    }
}
