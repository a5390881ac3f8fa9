//! Devices that register themselves at a provisioning service: by a key of their enrolment, or by certificate.

use iolite_resources::{ProvisioningService, Resource};

use super::policy::{check_expiry, fail_resource, shown};
use super::{Identity, Visit, read_sas};
use crate::sas::SasToken;
use crate::trail::{Refused, Trail};
use crate::{
    AttestationKeys, Caller, CheckKind, ClientCertificate, Credential, KeyMeans, Presented, Reason, RegistrantCaller,
    RegistrationKeys, certificate,
};

/// The path parameter of DPS's device API that names the registration.
pub const REGISTRATION_PARAMETER: &str = "registrationId";

/// What every registration's token names as its policy (Microsoft's page on symmetric key attestation).
const POLICY: &str = "registration";

impl Identity {
    /// The device that registers itself under the id that the path names.
    pub(super) fn registrant_caller(
        &self,
        presented: &Presented,
        visit: Visit<'_>,
        trail: &mut Trail,
    ) -> Result<Caller, Refused> {
        let Resource::ProvisioningService(service) = visit.resource else {
            let detail = "the resource registers no devices";
            return Err(trail.fail(CheckKind::Enrollment, Reason::NoEnrollment, detail));
        };
        let service: &ProvisioningService = &service.value;
        let id = visit.request.param(REGISTRATION_PARAMETER);
        let (candidate, means) = match (&presented.credential, &presented.certificate) {
            (Credential::SharedAccessSignature(text), _) => {
                let token = read_sas(text, trail)?;
                self.by_registration_key(&token, service, id, trail)?
            }
            (_, Some(shown)) => self.by_registration_certificate(shown, service, id, trail)?,
            (_, None) => return Err(trail.fail(CheckKind::Presence, Reason::NoCredential, "no credential was sent")),
        };
        if candidate.enabled {
            trail.pass(CheckKind::Enrollment, format!("`{}` is enabled", candidate.enrollment));
        } else {
            let detail = format!("`{}` is disabled", candidate.enrollment);
            trail.fail(CheckKind::Enrollment, Reason::EnrollmentDisabled, detail);
        }
        trail.so_far()?;
        Ok(Caller::Registrant(RegistrantCaller {
            service: service.id.clone(),
            registration_id: id.to_owned(),
            enrollment: candidate.enrollment,
            group: candidate.group,
            means,
        }))
    }

    fn by_registration_key(
        &self,
        token: &SasToken,
        service: &ProvisioningService,
        id: &str,
        trail: &mut Trail,
    ) -> Result<(RegistrationKeys, KeyMeans), Refused> {
        if token.policy() == Some(POLICY) {
            trail.pass(CheckKind::Policy, POLICY);
        } else {
            let detail = format!("skn is {}; wanted `{POLICY}`", shown(token.policy().unwrap_or_default()));
            return Err(trail.fail(CheckKind::Policy, Reason::UnknownPolicy, detail));
        }
        let candidates = self.candidates(service, id, trail)?;
        let by_key = |candidate: &RegistrationKeys| match &candidate.keys {
            AttestationKeys::SymmetricKey { primary, .. } if token.is_signed_by(primary) => Some(KeyMeans::PrimaryKey),
            AttestationKeys::SymmetricKey { secondary, .. } if token.is_signed_by(secondary) => {
                Some(KeyMeans::SecondaryKey)
            }
            _ => None,
        };
        let Some((candidate, means)) = pick(&candidates, by_key) else {
            let has_keys = candidates.iter().any(|one| matches!(one.keys, AttestationKeys::SymmetricKey { .. }));
            return Err(if has_keys {
                let detail = "no key of the enrolments that fit signed this sr and se";
                trail.fail(CheckKind::Signature, Reason::BadSignature, detail)
            } else {
                let detail = "the enrolments that fit attest by another means than symmetric keys";
                trail.fail(CheckKind::KindOfCredential, Reason::WrongMeans, detail)
            });
        };
        trail.pass(CheckKind::Signature, format!("by a key of `{}`", candidate.enrollment));
        check_expiry(token, self.ground.now(), trail);
        let resource = token.resource();
        if resource.host().eq_ignore_ascii_case(&service.id_scope) && resource.begins(&["registrations", id], 2) {
            trail.pass(CheckKind::ResourceUri, "");
        } else {
            fail_resource(token, &[&service.id_scope, "registrations", id], trail);
        }
        Ok((candidate, means))
    }

    fn by_registration_certificate(
        &self,
        shown: &ClientCertificate,
        service: &ProvisioningService,
        id: &str,
        trail: &mut Trail,
    ) -> Result<(RegistrationKeys, KeyMeans), Refused> {
        trail.pass(CheckKind::Presence, "");
        trail.pass(CheckKind::KindOfCredential, "client certificate");
        let candidates = self.candidates(service, id, trail)?;
        let now = self.ground.now();
        let looked_at = candidates.into_iter().map(|candidate| {
            let found = certificate::check(shown, &candidate.keys, id, now);
            (candidate, found)
        });
        // One that fits, an enabled one where there is a choice; else the most telling refusal: that of an enrolment by
        // certificate, over one by another means.
        let best = looked_at.min_by_key(|(candidate, found)| match found.reason() {
            None if candidate.enabled => 0,
            None => 1,
            Some(Reason::WrongMeans) => 3,
            Some(_) => 2,
        });
        let Some((candidate, found)) = best else {
            return Err(trail.fail(CheckKind::Enrollment, Reason::NoEnrollment, "no enrolment was looked at"));
        };
        trail.append(found);
        trail.so_far()?;
        Ok((candidate, KeyMeans::Certificate))
    }

    /// The enrolments that may vouch for `id`; at least one.
    fn candidates(
        &self,
        service: &ProvisioningService,
        id: &str,
        trail: &mut Trail,
    ) -> Result<Vec<RegistrationKeys>, Refused> {
        let name = service.id.name().to_ascii_lowercase();
        let candidates = self.registrations.candidates(&name, id);
        if candidates.is_empty() {
            let detail = format!("{name} has no enrolment for {} and no group", shown(id));
            return Err(trail.fail(CheckKind::Enrollment, Reason::NoEnrollment, detail));
        }
        Ok(candidates)
    }
}

/// The candidate that `fits`, an enabled one where there is a choice.
fn pick(
    candidates: &[RegistrationKeys],
    fits: impl Fn(&RegistrationKeys) -> Option<KeyMeans>,
) -> Option<(RegistrationKeys, KeyMeans)> {
    let mut fitting = candidates.iter().filter_map(|candidate| Some((candidate, fits(candidate)?)));
    let first = fitting.next()?;
    let chosen = if first.0.enabled { first } else { fitting.find(|(other, _)| other.enabled).unwrap_or(first) };
    Some((chosen.0.clone(), chosen.1))
}
