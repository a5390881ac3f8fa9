//! Signing in to a linked hub: by the connection string's policy, or by one of the provisioning service's identities.

use iolite_identity::sas;
use iolite_kernel::{ErrorCode, Secret, SignedDuration};
use iolite_resources::{LinkAuthentication, LinkedHub, ManagedIdentityKind, PrincipalKind, ProvisioningService};

use super::{Failure, HubAuthorization};
use crate::Dps;

/// How long the signatures live that DPS makes.
const SIGNATURE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// A link that cannot be used at all, before the hub is even asked.
const UNUSABLE_LINK: ErrorCode = ErrorCode { status: 401, number: 401_000, name: "GenericUnauthorized" };

/// What `service` sends to the hub of `link`.
pub(crate) fn authorization(
    dps: &Dps,
    service: &ProvisioningService,
    link: &LinkedHub,
) -> Result<HubAuthorization, Failure> {
    let unusable = |why: &str| Failure::new(&UNUSABLE_LINK, format!("The link to {} {why}.", link.host_name));
    match &link.authentication {
        LinkAuthentication::ConnectionString(text) => {
            let (policy, key) =
                policy_and_key(text).ok_or_else(|| unusable("has a connection string without a policy and a key"))?;
            let expiry = dps.ground.now().saturating_add(SIGNATURE_LIFETIME).unwrap_or(iolite_kernel::Timestamp::MAX);
            let signature = sas::sign(&link.host_name, &key, expiry, Some(&policy));
            Ok(HubAuthorization::SharedAccessSignature(Secret::new(signature)))
        }
        LinkAuthentication::SystemAssigned => {
            let object_id = service.identity.as_ref().and_then(|identity| identity.system_assigned.clone());
            object_id.map(|object_id| HubAuthorization::ManagedIdentity { object_id }).ok_or_else(|| {
                unusable("signs in by a system-assigned identity, and the provisioning service has none")
            })
        }
        LinkAuthentication::UserAssigned(wanted) => {
            let may_use = service.identity.as_ref().is_some_and(|identity| identity.user_assigned.contains(wanted));
            let object_id =
                dps.estate.principals.all("").into_iter().find_map(|(_, principal)| match &principal.kind {
                    PrincipalKind::ManagedIdentity { owner: ManagedIdentityKind::UserAssigned(resource), .. }
                        if resource == wanted =>
                    {
                        Some(principal.object_id.clone())
                    }
                    _ => None,
                });
            object_id.filter(|_| may_use).map(|object_id| HubAuthorization::ManagedIdentity { object_id }).ok_or_else(
                || unusable("signs in by a user-assigned identity that the provisioning service does not have"),
            )
        }
    }
}

/// The policy's name and key in a connection string. A key ends in `=`, so only the first `=` of a part separates.
fn policy_and_key(connection_string: &Secret) -> Option<(String, Secret)> {
    let part = |wanted: &str| {
        connection_string.reveal().split(';').find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            (name.eq_ignore_ascii_case(wanted) && !value.is_empty()).then(|| value.to_owned())
        })
    };
    Some((part("SharedAccessKeyName")?, Secret::new(part("SharedAccessKey")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_gives_its_policy_and_key() {
        let text = Secret::new("HostName=h.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=AAAA==");
        let (policy, key) = policy_and_key(&text).unwrap();
        assert_eq!((policy.as_str(), key.reveal()), ("iothubowner", "AAAA=="));
        assert!(policy_and_key(&Secret::new("HostName=h;SharedAccessKeyName=p")).is_none());
    }
}
