//! Shared access policies: a service API's SAS, and the policy's part of a device API's.

use std::borrow::Cow;
use std::sync::Arc;

use iolite_kernel::{Client, ResourceId, Secret, Timestamp};
use iolite_resources::{Resource, SharedAccessPolicy};
use percent_encoding::percent_decode_str;

use super::{Identity, Visit, read_sas};
use crate::known::{Known, KnownSignature};
use crate::sas::{MacKey, SasAudience, SasToken};
use crate::sas_use::User;
use crate::trail::{Refused, Trail};
use crate::{Authentication, Caller, CheckKind, Footing, KeyMeans, PolicyCaller, Presented, Reason};

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

/// A policy's key that signed a token.
pub(super) struct Signer<'a> {
    pub(super) policy: &'a SharedAccessPolicy,
    pub(super) proof: Proof,
    pub(super) key: MacKey,
}

/// What the holder of a policy's key is known by again.
pub(super) struct Holding {
    /// The key, made ready.
    pub(super) key: MacKey,
    /// Where uses of the policy are counted.
    pub(super) used: Arc<User>,
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
    /// The holder of a policy's key, at a service API. What was shown and accepted before on the same connection is
    /// verified again, and not read again.
    pub(super) fn policy_caller(&self, presented: &Presented, text: &Secret, visit: Visit<'_>) -> Authentication {
        let known = presented.known_signature();
        if let Some(again) = known.and_then(|known| self.accept_again(&known, visit)) {
            return again;
        }
        let mut accepted = None;
        let found = self.record(|trail| {
            let (caller, token, holder) = self.examine_policy(text, visit, trail)?;
            accepted = Some((token, holder));
            Ok(caller)
        });
        if let (Ok(caller), Some((token, Holding { key, used }))) = (&found.outcome, accepted) {
            let (caller, checks, resource) = (caller.clone(), found.checks.clone(), visit.resource.clone());
            let known = KnownSignature { token, key, resource, checks, caller, used };
            presented.remember(Known::Signature(Arc::new(known)));
        }
        found
    }

    fn examine_policy(
        &self,
        text: &Secret,
        visit: Visit<'_>,
        trail: &mut Trail,
    ) -> Result<(Caller, SasToken, Holding), Refused> {
        let token = read_sas(text, trail)?;
        let Some(home) = PolicyHome::of(visit.resource) else {
            let detail = "the resource has no shared access policies";
            return Err(trail.fail(CheckKind::KindOfCredential, Reason::SasNotAccepted, detail));
        };
        let resource = |trail: &mut Trail| check_service_resource(&token, home, visit, trail);
        let (caller, holding) = self.holder(&token, home, &visit.request.client, resource, trail)?;
        Ok((caller, token, holding))
    }

    /// The holder of the key that signed `token`, if nothing speaks against it; `check_resource` looks at what it is for.
    /// That the policy was used is remembered.
    pub(super) fn holder(
        &self,
        token: &SasToken,
        home: PolicyHome<'_>,
        client: &Client,
        check_resource: impl FnOnce(&mut Trail),
        trail: &mut Trail,
    ) -> Result<(Caller, Holding), Refused> {
        let now = self.ground.now();
        let Signer { policy, proof, key } = find_signer(token, home, trail)?;
        check_expiry(token, now, trail);
        check_resource(trail);
        check_local_auth(home, trail);
        trail.so_far()?;
        let used = self.uses.record(home.id, &policy.key_name, client, now);
        let caller = Caller::Policy(PolicyCaller {
            resource: home.id.clone(),
            policy: policy.key_name.clone(),
            rights: policy.rights,
            means: proof.means,
            footing: proof.footing,
            expires_at: token.expires_at(),
        });
        Ok((caller, Holding { key, used }))
    }

    /// Verifies a known signature again, as strictly as the first time; nothing where anything is not as it was, so that
    /// the whole examination tells what.
    fn accept_again(&self, known: &KnownSignature, visit: Visit<'_>) -> Option<Authentication> {
        let home = PolicyHome::of(visit.resource).filter(|_| known.resource.is_same_record(visit.resource))?;
        let now = visit.request.received_at;
        let holds = known.token.is_signed_with(&known.key)
            && known.token.is_current_at(now)
            && is_for_service(&known.token, home, visit)
            && !home.local_auth_disabled;
        let Caller::Policy(policy) = known.caller.as_ref() else { return None };
        if !holds {
            return None;
        }
        if !known.used.again(&visit.request.client, now) {
            self.uses.record(home.id, &policy.policy, &visit.request.client, now);
        }
        Some(Authentication { checks: known.checks.clone(), outcome: Ok(known.caller.clone()) })
    }
}

/// The policy that the token names, if one of its keys signed the token.
pub(super) fn find_signer<'a>(
    token: &SasToken,
    home: PolicyHome<'a>,
    trail: &mut Trail,
) -> Result<Signer<'a>, Refused> {
    let Some(name) = token.policy() else {
        let detail = "the token names no policy (skn); a service API takes a policy's token only";
        return Err(trail.fail(CheckKind::Policy, Reason::UnknownPolicy, detail));
    };
    let Some(policy) = home.policies.iter().find(|policy| policy.key_name == name) else {
        let detail = format!("skn is {}; {} has no policy of that name", shown(name), home.id.name());
        return Err(trail.fail(CheckKind::Policy, Reason::UnknownPolicy, detail));
    };
    trail.pass(CheckKind::Policy, policy.key_name.clone());
    let (proof, key) = check_signature(token, &policy.primary_key, &policy.secondary_key, trail)?;
    Ok(Signer { policy, proof, key })
}

/// Which of the two keys signed the token, and that key.
pub(super) fn check_signature(
    token: &SasToken,
    primary: &Secret,
    secondary: &Secret,
    trail: &mut Trail,
) -> Result<(Proof, MacKey), Refused> {
    let signing = |key: &Secret| token.mac_key(key).filter(|key| token.is_signed_with(key));
    if let Some(key) = signing(primary) {
        trail.pass(CheckKind::Signature, "by the primary key");
        Ok((Proof { means: KeyMeans::PrimaryKey, footing: Footing::of_key(primary) }, key))
    } else if let Some(key) = signing(secondary) {
        trail.pass(CheckKind::Signature, "by the secondary key");
        Ok((Proof { means: KeyMeans::SecondaryKey, footing: Footing::of_key(secondary) }, key))
    } else {
        let detail = "neither the primary nor the secondary key signed this sr and se";
        Err(trail.fail(CheckKind::Signature, Reason::BadSignature, detail))
    }
}

pub(super) fn check_expiry(token: &SasToken, now: Timestamp, trail: &mut Trail) {
    if token.is_current_at(now) {
        trail.pass(CheckKind::Expiry, "");
    } else {
        let detail = format!("se is {}; the clock shows {now}, 300 s may lie between", token.expires_at());
        trail.fail(CheckKind::Expiry, Reason::Expired, detail);
    }
}

fn check_service_resource(token: &SasToken, home: PolicyHome<'_>, visit: Visit<'_>, trail: &mut Trail) {
    if is_for_service(token, home, visit) {
        trail.pass(CheckKind::ResourceUri, "");
    } else {
        fail_resource(token, &[home.host], trail);
    }
}

/// Whether the token is for all of the resource, or for the part of it that the path is in: `{host}/devices` and
/// `{host}/devices/dev1` both cover `/devices/dev1`, by whole segment.
fn is_for_service(token: &SasToken, home: PolicyHome<'_>, visit: Visit<'_>) -> bool {
    let audience = SasAudience { host: home.host, origin: &visit.request.origin };
    token.resource().is_at(audience) && (token.resource().is_root() || covers(token, visit.request.path()))
}

/// Whether the segments of the token's resource begin `path`.
fn covers(token: &SasToken, path: &str) -> bool {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let decoded: Vec<Cow<'_, str>> = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect();
    let decoded: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
    token.resource().begins(&decoded, 1)
}

/// Records that the token is for something else; `wanted` are the segments that it should have named.
pub(super) fn fail_resource(token: &SasToken, wanted: &[&str], trail: &mut Trail) {
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
