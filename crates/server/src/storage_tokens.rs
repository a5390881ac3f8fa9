//! Tokens with which hubs' identities sign in at storage accounts.
//!
//! The hub asks when an endpoint of its is identity-based; the issuer is the emulator's own. It decides nothing about what
//! the identity may do there: that is the storage account's.

use std::pin::Pin;
use std::sync::Arc;

use iolite_entra::Entra;
use iolite_hub::blobs::StorageTokens;
use iolite_kernel::Secret;
use iolite_resources::{Estate, ManagedIdentityKind, Principal, PrincipalKind};

/// What every storage account takes as an audience (documented).
const AUDIENCE: &str = "https://storage.azure.com";

type Doing<'a> = Pin<Box<dyn Future<Output = Result<Secret, String>> + Send + 'a>>;

/// The identities of hubs at the emulator's issuer.
pub(crate) struct HubIdentities {
    estate: Estate,
    entra: Arc<Entra>,
}

impl HubIdentities {
    pub(crate) const fn new(estate: Estate, entra: Arc<Entra>) -> Self {
        Self { estate, entra }
    }

    fn principal(&self, hub: &str, user_assigned: Option<&str>) -> Result<Arc<Principal>, String> {
        let identity = self.estate.hubs.get(hub).and_then(|hub| hub.identity.clone());
        let none = || "it has no managed identity".to_owned();
        let identity = identity.ok_or_else(none)?;
        let Some(named) = user_assigned else {
            let system = identity.system_assigned.as_deref().and_then(|id| self.estate.principal(id));
            return system.map(|found| found.value).ok_or_else(|| "it has no system-assigned identity".to_owned());
        };
        if !identity.user_assigned.iter().any(|known| known.as_str().eq_ignore_ascii_case(named)) {
            return Err(format!("the identity {named} is none of its own"));
        }
        let is_it = |principal: &Principal| match &principal.kind {
            PrincipalKind::ManagedIdentity { owner: ManagedIdentityKind::UserAssigned(resource), .. } => {
                resource.as_str().eq_ignore_ascii_case(named)
            }
            _ => false,
        };
        let found = self.estate.principals.all("").into_iter().map(|(_, found)| found.value).find(|found| is_it(found));
        found.ok_or_else(|| format!("there is no identity {named}"))
    }
}

impl StorageTokens for HubIdentities {
    fn token<'a>(&'a self, hub: &'a str, user_assigned: Option<&'a str>) -> Doing<'a> {
        Box::pin(async move {
            let principal = self.principal(hub, user_assigned)?;
            let token = self.entra.issue(&principal, AUDIENCE).await.map_err(|error| error.to_string())?;
            Ok(token.access_token)
        })
    }
}
