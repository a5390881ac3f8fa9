//! Devices and modules at their own APIs: by their own key, by a policy with `DeviceConnect`, or by certificate.

use iolite_kernel::{Request, Right};
use iolite_resources::Resource;

use super::policy::{
    PolicyHome, Proof, Signer, check_expiry, check_local_auth, check_signature, fail_resource, find_signer, shown,
};
use super::{Identity, Visit, read_sas};
use crate::sas::{SasAudience, SasToken};
use crate::trail::{Refused, Trail};
use crate::{
    AttestationKeys, Caller, CheckKind, ClientCertificate, Credential, DeviceCaller, DeviceCredentials, KeyMeans,
    Presented, Reason, certificate,
};

/// The device or module whose API is called.
#[derive(Clone, Copy)]
struct Subject<'a> {
    hub: PolicyHome<'a>,
    request: &'a Request,
    device: &'a str,
    module: Option<&'a str>,
    device_sas_disabled: bool,
    module_sas_disabled: bool,
}

impl Identity {
    /// The device or module that calls its own API; `device` and `module` name path parameters.
    pub(super) fn device_caller(
        &self,
        presented: &Presented,
        visit: Visit<'_>,
        device: &str,
        module: Option<&str>,
        trail: &mut Trail,
    ) -> Result<Caller, Refused> {
        let (Resource::Hub(hub), Some(home)) = (visit.resource, PolicyHome::of(visit.resource)) else {
            let detail = "the resource has no devices of its own";
            return Err(trail.fail(CheckKind::Device, Reason::UnknownDevice, detail));
        };
        let subject = Subject {
            hub: home,
            request: visit.request,
            device: visit.request.param(device),
            module: module.map(|name| visit.request.param(name)),
            device_sas_disabled: hub.value.disable_device_sas,
            module_sas_disabled: hub.value.disable_module_sas,
        };
        match (&presented.credential, &presented.certificate) {
            (Credential::SharedAccessSignature(text), _) => {
                let token = read_sas(text, trail)?;
                if token.policy().is_some() {
                    self.by_policy(&token, subject, trail)
                } else {
                    self.by_own_key(&token, subject, trail)
                }
            }
            (_, Some(certificate)) => self.by_certificate(certificate, subject, trail),
            (_, None) => Err(trail.fail(CheckKind::Presence, Reason::NoCredential, "no credential was sent")),
        }
    }

    fn by_own_key(&self, token: &SasToken, subject: Subject<'_>, trail: &mut Trail) -> Result<Caller, Refused> {
        let credentials = self.find(subject, trail)?;
        let AttestationKeys::SymmetricKey { primary, secondary } = &credentials.keys else {
            let detail = format!("`{}` signs in by another means than a symmetric key", subject.name());
            return Err(trail.fail(CheckKind::KindOfCredential, Reason::WrongMeans, detail));
        };
        let (proof, _) = check_signature(token, primary, secondary, trail)?;
        check_expiry(token, self.ground.now(), trail);
        let whole = if subject.module.is_some() { 4 } else { 2 };
        check_resource(token, subject, whole, trail);
        check_status(&credentials, trail);
        check_own_sas(subject, trail);
        trail.so_far()?;
        Ok(subject.caller(proof, None, Some(token)))
    }

    fn by_policy(&self, token: &SasToken, subject: Subject<'_>, trail: &mut Trail) -> Result<Caller, Refused> {
        let now = self.ground.now();
        let Signer { policy, proof, .. } = find_signer(token, subject.hub, trail)?;
        check_expiry(token, now, trail);
        if policy.rights.contains(Right::DeviceConnect) {
            trail.pass(CheckKind::Right, "DeviceConnect");
        } else {
            let detail = format!("the policy has {}; a device API wants DeviceConnect", policy.rights);
            trail.fail(CheckKind::Right, Reason::PolicyLacksRight, detail);
        }
        check_resource(token, subject, 0, trail);
        check_local_auth(subject.hub, trail);
        let credentials = self.find(subject, trail)?;
        check_status(&credentials, trail);
        trail.so_far()?;
        self.uses.record(subject.hub.id, &policy.key_name, &subject.request.client, now);
        Ok(subject.caller(proof, Some(policy.key_name.clone()), Some(token)))
    }

    fn by_certificate(
        &self,
        shown: &ClientCertificate,
        subject: Subject<'_>,
        trail: &mut Trail,
    ) -> Result<Caller, Refused> {
        trail.pass(CheckKind::Presence, "");
        trail.pass(CheckKind::KindOfCredential, "client certificate");
        let credentials = self.find(subject, trail)?;
        let id =
            subject.module.map_or_else(|| subject.device.to_owned(), |module| format!("{}/{module}", subject.device));
        let footing = certificate::examine(shown, &credentials.keys, &id, self.ground.now(), trail)?;
        check_status(&credentials, trail);
        trail.so_far()?;
        Ok(subject.caller(Proof { means: KeyMeans::Certificate, footing }, None, None))
    }

    /// The credentials of the device or module.
    fn find(&self, subject: Subject<'_>, trail: &mut Trail) -> Result<DeviceCredentials, Refused> {
        let hub = subject.hub.id.name().to_ascii_lowercase();
        if let Some(credentials) = self.devices.credentials(&hub, subject.device, subject.module) {
            trail.pass(CheckKind::Device, subject.name().to_owned());
            return Ok(credentials);
        }
        let has_device = subject.module.is_some() && self.devices.credentials(&hub, subject.device, None).is_some();
        let (reason, what) =
            if has_device { (Reason::UnknownModule, "module") } else { (Reason::UnknownDevice, "device") };
        let name = if has_device { subject.name() } else { subject.device };
        Err(trail.fail(CheckKind::Device, reason, format!("{hub} has no {what} {}", shown(name))))
    }
}

impl Subject<'_> {
    /// The module's id, or the device's where no module is meant.
    fn name(&self) -> &str {
        self.module.unwrap_or(self.device)
    }

    fn caller(&self, proof: Proof, policy: Option<String>, token: Option<&SasToken>) -> Caller {
        Caller::Device(DeviceCaller {
            hub: self.hub.id.clone(),
            device_id: self.device.to_owned(),
            module_id: self.module.map(str::to_owned),
            means: proof.means,
            footing: proof.footing,
            policy,
            expires_at: token.map(SasToken::expires_at),
        })
    }
}

/// Whether the token is for this device or module, naming at least `least` segments behind the host.
fn check_resource(token: &SasToken, subject: Subject<'_>, least: usize, trail: &mut Trail) {
    let audience = SasAudience { host: subject.hub.host, origin: &subject.request.origin };
    let all = ["devices", subject.device, "modules", subject.module.unwrap_or_default()];
    let path = if subject.module.is_some() { &all[..] } else { &all[..2] };
    if token.resource().is_at(audience) && token.resource().begins(path, least) {
        trail.pass(CheckKind::ResourceUri, "");
    } else {
        let wanted: Vec<&str> = std::iter::once(subject.hub.host).chain(path.iter().copied()).collect();
        fail_resource(token, &wanted, trail);
    }
}

fn check_status(credentials: &DeviceCredentials, trail: &mut Trail) {
    if credentials.enabled {
        trail.pass(CheckKind::DeviceStatus, "");
    } else {
        trail.fail(CheckKind::DeviceStatus, Reason::DeviceDisabled, "the device's status is disabled");
    }
}

/// The switch that goes with the scope of the key: the device's or the module's.
fn check_own_sas(subject: Subject<'_>, trail: &mut Trail) {
    let (is_disabled, name, reason) = match subject.module {
        Some(_) => (subject.module_sas_disabled, "disableModuleSAS", Reason::ModuleSasDisabled),
        None => (subject.device_sas_disabled, "disableDeviceSAS", Reason::DeviceSasDisabled),
    };
    if is_disabled {
        let detail = format!("{name} is on at {}: no such token is accepted", subject.hub.id.name());
        trail.fail(CheckKind::Switch, reason, detail);
    } else {
        trail.pass(CheckKind::Switch, "");
    }
}
