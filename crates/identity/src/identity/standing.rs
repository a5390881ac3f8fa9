//! Whether what let a caller in once would let it in still: for sessions and links that last.

use iolite_kernel::Right;
use iolite_resources::Hub;

use super::Identity;
use crate::{
    AttestationKeys, Caller, DeviceCaller, Footing, KeyMeans, PolicyCaller, PrincipalCaller, Reason, Rejection,
};

impl Identity {
    /// Whether `caller`, let in at `hub` earlier, stands on what is still registered: its key, thumbprint or authority, the
    /// switches, the device's status, the principal. Cheap, so it can be asked whenever a hub, a device or an authority changes.
    ///
    /// Not asked here: the end of the credential's own time, which the caller carries; the address, see [`crate::admits`]; the
    /// role of a principal, see `iolite-access`. `hub` is the record as it stands now.
    pub fn still_good(&self, caller: &Caller, hub: &Hub) -> Result<(), Rejection> {
        match caller {
            Caller::Device(device) => self.device_still_good(device, hub),
            Caller::Policy(policy) => policy_still_good(policy, hub),
            Caller::Principal(principal) => self.principal_still_good(principal),
            Caller::Anonymous | Caller::Registrant(_) => Ok(()),
        }
    }

    fn device_still_good(&self, caller: &DeviceCaller, hub: &Hub) -> Result<(), Rejection> {
        let key = hub.id.name().to_ascii_lowercase();
        let found = self.devices.credentials(&key, &caller.device_id, caller.module_id.as_deref());
        let credentials = found.ok_or_else(|| match caller.module_id {
            Some(_) => lost(Reason::UnknownModule, "the module is gone"),
            None => lost(Reason::UnknownDevice, "the device is gone"),
        })?;
        if !credentials.enabled {
            return Err(lost(Reason::DeviceDisabled, "the device's status is disabled"));
        }
        if let Some(policy) = &caller.policy {
            return policy_key_still_good(policy, caller.footing, &[Right::DeviceConnect], hub);
        }
        if caller.means != KeyMeans::Certificate {
            let (is_disabled, reason) = match caller.module_id {
                Some(_) => (hub.disable_module_sas, Reason::ModuleSasDisabled),
                None => (hub.disable_device_sas, Reason::DeviceSasDisabled),
            };
            if is_disabled {
                return Err(lost(reason, "such tokens are switched off at the hub"));
            }
        }
        if holds(&credentials.keys, caller.footing) {
            Ok(())
        } else if caller.means == KeyMeans::Certificate {
            let detail = "the thumbprint or authority that vouched for it is no longer registered or verified";
            Err(lost(Reason::UntrustedCertificate, detail))
        } else {
            Err(lost(Reason::BadSignature, "the key that signed it has been replaced"))
        }
    }

    fn principal_still_good(&self, caller: &PrincipalCaller) -> Result<(), Rejection> {
        match self.estate.principal(&caller.object_id) {
            Some(principal) if principal.enabled => Ok(()),
            _ => Err(lost(Reason::UnknownPrincipal, "the principal is gone or disabled")),
        }
    }
}

fn policy_still_good(caller: &PolicyCaller, hub: &Hub) -> Result<(), Rejection> {
    policy_key_still_good(&caller.policy, caller.footing, &[], hub)?;
    let rights = hub.policy(&caller.policy).map(|policy| policy.rights);
    if rights == Some(caller.rights) {
        Ok(())
    } else {
        Err(lost(Reason::PolicyLacksRight, "the policy's rights have changed"))
    }
}

fn policy_key_still_good(name: &str, footing: Footing, rights: &[Right], hub: &Hub) -> Result<(), Rejection> {
    let policy = hub.policy(name).ok_or_else(|| lost(Reason::UnknownPolicy, "the policy is gone"))?;
    if hub.disable_local_auth {
        return Err(lost(Reason::LocalAuthDisabled, "disableLocalAuth is on"));
    }
    if !policy.rights.contains_all(rights) {
        return Err(lost(Reason::PolicyLacksRight, "the policy's rights have changed"));
    }
    if [&policy.primary_key, &policy.secondary_key].into_iter().any(|key| Footing::of_key(key) == footing) {
        Ok(())
    } else {
        Err(lost(Reason::BadSignature, "the key that signed it has been replaced"))
    }
}

/// Whether `footing` is among what `keys` name.
fn holds(keys: &AttestationKeys, footing: Footing) -> bool {
    match keys {
        AttestationKeys::SymmetricKey { primary, secondary } => {
            [primary, secondary].into_iter().any(|key| Footing::of_key(key) == footing)
        }
        AttestationKeys::Thumbprint { primary, secondary } => {
            [primary, secondary].into_iter().flatten().any(|print| Footing::of_thumbprint(print) == footing)
        }
        AttestationKeys::CertificateAuthority { roots, .. } => {
            roots.iter().any(|root| Footing::of_authority(root) == footing)
        }
        AttestationKeys::None => false,
    }
}

fn lost(reason: Reason, detail: &str) -> Rejection {
    Rejection { reason, detail: detail.to_owned() }
}
