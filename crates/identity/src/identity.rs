//! The door itself: what was shown becomes a caller, or a rejection, with every check on record.
//!
//! Called by the wire crates once per request (or per link, over MQTT and AMQP), before `access`. It reads keys and
//! switches from the resource as it stood when the request came in, and keeps nothing of a credential.

mod device;
mod events;
mod policy;
mod registration;
mod standing;
#[cfg(test)]
mod tests;

pub use events::EventsVisit;
pub(crate) use policy::shown;
pub use registration::REGISTRATION_PARAMETER;

use std::sync::Arc;

use iolite_kernel::{Ground, Need, Operation, Request, ResourceId, Secret, Service};
use iolite_resources::{Estate, Resource};

use crate::network::admits_visit;
use crate::sas::SasToken;
use crate::sas_use::SasUses;
use crate::token::{Door, TokenVerifier};
use crate::trail::{Latest, Refused, Trail};
use crate::{
    AttestationSource, Authentication, Caller, CheckKind, Credential, DeviceKeys, KeyRing, Presented, Reason,
    Rejection, SasUse,
};

/// What a caller wants to do, as far as the door must know.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The operation asked for.
    pub operation: &'static Operation,
    /// The resource it is asked of.
    pub resource: &'a Resource,
    /// The request, for its path parameters.
    pub request: &'a Request,
}

/// Tells who is calling.
pub struct Identity {
    estate: Estate,
    ground: Ground,
    tokens: TokenVerifier,
    devices: Arc<dyn DeviceKeys>,
    registrations: Arc<dyn AttestationSource>,
    uses: SasUses,
    anonymous: Authentication,
    latest: Latest,
}

impl Identity {
    /// The door of `estate`, believing tokens that the keys of `ring` signed.
    #[must_use]
    pub fn new(
        estate: Estate,
        ground: Ground,
        ring: Arc<KeyRing>,
        devices: Arc<dyn DeviceKeys>,
        registrations: Arc<dyn AttestationSource>,
    ) -> Self {
        Self {
            tokens: TokenVerifier::new(estate.clone(), ground.clone(), ring),
            estate,
            ground,
            devices,
            registrations,
            uses: SasUses::default(),
            anonymous: Authentication { checks: Arc::new([]), outcome: Ok(Arc::new(Caller::Anonymous)) },
            latest: Latest::default(),
        }
    }

    /// Who shows `presented` for `visit`. What an operation takes is its own [`Need`]: a public one is not looked at.
    #[must_use]
    pub fn authenticate(&self, presented: &Presented, visit: Visit<'_>) -> Authentication {
        if let Err(Rejection { reason, detail }) = admits_visit(visit) {
            return self.record(|trail| Err(trail.fail(CheckKind::Network, reason, detail)));
        }
        match (visit.operation.need, &presented.credential) {
            (Need::Public { .. }, _) => self.anonymous.clone(),
            (Need::DataPlane { .. } | Need::Management { .. } | Need::SignedIn, Credential::Bearer(token)) => {
                let door = Door { service: visit.operation.service, origin: &visit.request.origin };
                self.tokens.authenticate(presented, token, door)
            }
            (Need::DataPlane { rights, .. }, Credential::SharedAccessSignature(text)) if !rights.is_empty() => {
                self.policy_caller(presented, text, visit)
            }
            (Need::OwnDevice { device, module }, credential) if is_a_devices(credential, presented) => {
                self.record(|trail| self.device_caller(presented, visit, device, module, trail))
            }
            (Need::OwnRegistration, credential) if is_a_devices(credential, presented) => {
                self.record(|trail| self.registrant_caller(presented, visit, trail))
            }
            (_, credential) => self.record(|trail| Err(turn_away(credential, visit.operation.service, trail))),
        }
    }

    fn record(&self, check: impl FnOnce(&mut Trail) -> Result<Caller, Refused>) -> Authentication {
        let mut trail = Trail::new();
        let caller = check(&mut trail);
        trail.conclude(caller, &self.latest)
    }

    /// Who used the shared access policies of `resource` lately, the latest first.
    #[must_use]
    pub fn recent_sas_use(&self, resource: &ResourceId) -> Vec<SasUse> {
        self.uses.of(resource)
    }
}

/// Whether a credential is one that devices sign in with: a SAS, or nothing but the connection's certificate.
fn is_a_devices(credential: &Credential, presented: &Presented) -> bool {
    match credential {
        Credential::SharedAccessSignature(_) => true,
        Credential::None => presented.certificate.is_some(),
        Credential::Bearer(_) | Credential::Unknown { .. } => false,
    }
}

/// Refuses a credential of a kind that this door never takes.
fn turn_away(credential: &Credential, service: Service, trail: &mut Trail) -> Refused {
    let (reason, detail) = match credential {
        Credential::None => {
            return trail.fail(CheckKind::Presence, Reason::NoCredential, "no credential was sent");
        }
        Credential::Bearer(_) => {
            (Reason::EntraNotAccepted, format!("an Entra access token; this API of {service} takes none"))
        }
        Credential::SharedAccessSignature(_) => {
            (Reason::SasNotAccepted, format!("a shared access signature; this API of {service} takes none"))
        }
        Credential::Unknown { scheme } if scheme.is_empty() => {
            (Reason::UnknownScheme, "a text without a scheme, which no service here takes".to_owned())
        }
        Credential::Unknown { scheme } => {
            let printable: String = scheme.chars().filter(|each| !each.is_control()).collect();
            (Reason::UnknownScheme, format!("the scheme `{printable}`, which no service here takes"))
        }
    };
    trail.pass(CheckKind::Presence, "");
    trail.fail(CheckKind::KindOfCredential, reason, detail)
}

/// Takes a shared access signature apart.
fn read_sas(text: &Secret, trail: &mut Trail) -> Result<SasToken, Refused> {
    use crate::sas::SasError;
    trail.pass(CheckKind::Presence, "");
    trail.pass(CheckKind::KindOfCredential, "shared access signature");
    match SasToken::parse(text.reveal()) {
        Ok(token) => {
            trail.pass(CheckKind::Form, "");
            Ok(token)
        }
        Err(error @ SasError::TooLarge(_)) => Err(trail.fail(CheckKind::Size, Reason::TooLarge, error.to_string())),
        Err(error) => Err(trail.fail(CheckKind::Form, Reason::Malformed, error.to_string())),
    }
}
