//! Shared access policies: a service API's SAS, and the policy's part of a device API's.

use iolite_kernel::{Client, ResourceId, Secret, Timestamp};
use iolite_resources::{Resource, SharedAccessPolicy};

use super::{Identity, Visit, read_sas};
use crate::sas::{SasAudience, SasToken};
use crate::trail::{Refused, Trail};
use crate::{Caller, CheckKind, Footing, KeyMeans, PolicyCaller, Reason};

/// A resource that has shared access policies.
#[derive(Clone, Copy)]
pub(super) struct PolicyHome<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) host: &'a str,
    policies: &'a [SharedAccessPolicy],
    /// `disableLocalAuth`; a provisioning service has no such switch.
    local_auth_disabled: bool,
}

/// What proved a caller.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    pub(super) means: KeyMeans,
    pub(super) footing: Footing,
}

impl<'a> PolicyHome<'a> {
    pub(super) fn of(resource: &'a Resource) -> Option<Self> {
        match resource {
            Resource::Hub(hub) => Some(Self {
                id: &hub.value.id,
                host: &hub.value.host_name,
                policies: &hub.value.policies,
                local_auth_disabled: hub.value.disable_local_auth,
            }),
            Resource::ProvisioningService(service) => Some(Self {
                id: &service.value.id,
                host: &service.value.host_name,
                policies: &service.value.policies,
                local_auth_disabled: false,
            }),
            Resource::Twins(_) | Resource::Scope(_) | Resource::Tenant => None,
        }
    }
}

impl<'a> PolicyHome<'a> {
    /// The hub's events, or an entity's that has a policy of its own.
    pub(super) fn of_events(hub: &'a iolite_resources::Hub, own: Option<&'a SharedAccessPolicy>) -> Self {
        Self {
            id: &hub.id,
            host: &hub.host_name,
            policies: own.map_or(&hub.policies[..], std::slice::from_ref),
            // The switch is the hub's; an entity's own key is none of the hub's policies.
            local_auth_disabled: own.is_none() && hub.disable_local_auth,
        }
    }
}

impl Identity {
    /// The holder of a policy's key, at a service API.
    pub(super) fn policy_caller(&self, text: &Secret, visit: Visit<'_>, trail: &mut Trail) -> Result<Caller, Refused> {
        let token = read_sas(text, trail)?;
        let Some(home) = PolicyHome::of(visit.resource) else {
            let detail = "the resource has no shared access policies";
            return Err(trail.fail(CheckKind::KindOfCredential, Reason::SasNotAccepted, detail));
        };
        let resource = |trail: &mut Trail| check_service_resource(&token, home, visit, trail);
        self.holder(&token, home, &visit.request.client, resource, trail)
    }

    /// The holder of the key that signed `token`, if nothing speaks against it; `check_resource` looks at what it is for.
    /// That the policy was used is remembered.
    pub(super) fn holder(
        &self,
        token: &SasToken<'_>,
        home: PolicyHome<'_>,
        client: &Client,
        check_resource: impl FnOnce(&mut Trail),
        trail: &mut Trail,
    ) -> Result<Caller, Refused> {
        let now = self.ground.now();
        let (policy, proof) = find_signer(token, home, trail)?;
        check_expiry(token, now, trail);
        check_resource(trail);
        check_local_auth(home, trail);
        trail.so_far()?;
        self.uses.record(home.id, &policy.key_name, client, now);
        Ok(Caller::Policy(PolicyCaller {
            resource: home.id.clone(),
            policy: policy.key_name.clone(),
            rights: policy.rights,
            means: proof.means,
            footing: proof.footing,
            expires_at: token.expires_at(),
        }))
    }
}

/// The policy that the token names, if one of its keys signed the token.
pub(super) fn find_signer<'a>(
    token: &SasToken<'_>,
    home: PolicyHome<'a>,
    trail: &mut Trail,
) -> Result<(&'a SharedAccessPolicy, Proof), Refused> {
    let Some(name) = token.policy() else {
        let detail = "the token names no policy (skn); a service API takes a policy's token only";
        return Err(trail.fail(CheckKind::Policy, Reason::UnknownPolicy, detail));
    };
    let Some(policy) = home.policies.iter().find(|policy| policy.key_name == name) else {
        let detail = format!("skn is {}; {} has no policy of that name", shown(name), home.id.name());
        return Err(trail.fail(CheckKind::Policy, Reason::UnknownPolicy, detail));
    };
    trail.pass(CheckKind::Policy, policy.key_name.clone());
    let proof = check_signature(token, &policy.primary_key, &policy.secondary_key, trail)?;
    Ok((policy, proof))
}

/// Which of the two keys signed the token.
pub(super) fn check_signature(
    token: &SasToken<'_>,
    primary: &Secret,
    secondary: &Secret,
    trail: &mut Trail,
) -> Result<Proof, Refused> {
    if token.is_signed_by(primary) {
        trail.pass(CheckKind::Signature, "by the primary key");
        Ok(Proof { means: KeyMeans::PrimaryKey, footing: Footing::of_key(primary) })
    } else if token.is_signed_by(secondary) {
        trail.pass(CheckKind::Signature, "by the secondary key");
        Ok(Proof { means: KeyMeans::SecondaryKey, footing: Footing::of_key(secondary) })
    } else {
        let detail = "neither the primary nor the secondary key signed this sr and se";
        Err(trail.fail(CheckKind::Signature, Reason::BadSignature, detail))
    }
}

pub(super) fn check_expiry(token: &SasToken<'_>, now: Timestamp, trail: &mut Trail) {
    if token.is_current_at(now) {
        trail.pass(CheckKind::Expiry, "");
    } else {
        let detail = format!("se is {}; the clock shows {now}, 300 s may lie between", token.expires_at());
        trail.fail(CheckKind::Expiry, Reason::Expired, detail);
    }
}

/// Whether the token is for all of the resource, or for the part of it that the path is in (`{host}/devices`, as in
/// Microsoft's example of a token for the registry). A token for one device opens no service API, whoever signed it:
/// it may have been handed to that device.
fn check_service_resource(token: &SasToken<'_>, home: PolicyHome<'_>, visit: Visit<'_>, trail: &mut Trail) {
    let audience = SasAudience { host: home.host, origin: &visit.request.origin };
    let part = visit.request.path().split('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    if token.resource().is_at(audience) && token.resource().begins(&[part], 0) {
        trail.pass(CheckKind::ResourceUri, "");
    } else {
        fail_resource(token, &[home.host], trail);
    }
}

/// Records that the token is for something else; `wanted` are the segments that it should have named.
pub(super) fn fail_resource(token: &SasToken<'_>, wanted: &[&str], trail: &mut Trail) {
    let hint = if token.resource().is_event_hubs() { " (a token for Event Hubs is good there only)" } else { "" };
    let detail = format!("sr is {}; wanted `{}`{hint}", shown(token.resource().as_str()), wanted.join("/"));
    trail.fail(CheckKind::ResourceUri, Reason::ResourceMismatch, detail);
}

/// `disableLocalAuth`, looked at last: so the explanation can say that all else was right.
pub(super) fn check_local_auth(home: PolicyHome<'_>, trail: &mut Trail) {
    if home.local_auth_disabled {
        let detail = format!("disableLocalAuth is on at {}: no policy's token is accepted", home.id.name());
        trail.fail(CheckKind::Switch, Reason::LocalAuthDisabled, detail);
    } else {
        trail.pass(CheckKind::Switch, "");
    }
}

/// A text out of a token, short and on one line.
pub(crate) fn shown(text: &str) -> String {
    const LENGTH: usize = 120;
    let line: String =
        text.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each }).take(LENGTH).collect();
    let end = if text.chars().nth(LENGTH).is_some() { "…" } else { "" };
    format!("`{line}{end}`")
}
