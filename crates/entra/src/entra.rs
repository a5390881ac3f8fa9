//! The issuer itself: what its operations run on.

use std::sync::Arc;

use iolite_identity::KeyRing;
use iolite_kernel::{Ground, Secret};
use iolite_resources::{Estate, Principal, PrincipalKind};
use iolite_store::Versioned;

use crate::device_codes::DeviceCodes;
use crate::refresh_tokens::RefreshTokens;

/// What the wiring decides for the issuer.
#[derive(Debug, Clone, Default)]
pub struct EntraSettings {
    /// What the App Service endpoint wants to see in `X-IDENTITY-HEADER`; an empty one closes that endpoint.
    pub identity_header: Secret,
    /// The managed identity that a request gets which names none: a name, object id or client id of the directory. Where
    /// it is `None`, the first user-assigned identity by object id.
    pub default_managed_identity: Option<String>,
}

/// The issuer of one world's tenant.
pub struct Entra {
    pub(crate) estate: Estate,
    pub(crate) ground: Ground,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) settings: EntraSettings,
    pub(crate) device_codes: DeviceCodes,
    pub(crate) refresh_tokens: RefreshTokens,
}

impl Entra {
    /// An issuer for the directory in `estate` that signs with the keys of `ring`.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground, ring: Arc<KeyRing>, settings: EntraSettings) -> Self {
        Self {
            estate,
            ground,
            ring,
            settings,
            device_codes: DeviceCodes::default(),
            refresh_tokens: RefreshTokens::default(),
        }
    }

    /// Forgets every device code and refresh token, as a reset of the world asks for.
    pub fn forget_sessions(&self) {
        self.device_codes.clear();
        self.refresh_tokens.clear();
    }

    /// The service principal or managed identity with this client id, without case.
    pub(crate) fn principal_of_client(&self, client_id: &str) -> Option<Versioned<Principal>> {
        self.find(|principal| principal.client_id().is_some_and(|known| known.eq_ignore_ascii_case(client_id)))
    }

    /// The user with this name, without case.
    pub(crate) fn user_named(&self, name: &str) -> Option<Versioned<Principal>> {
        self.find(|principal| {
            matches!(&principal.kind, PrincipalKind::User { user_name, .. } if user_name.eq_ignore_ascii_case(name))
        })
    }

    fn find(&self, fits: impl Fn(&Principal) -> bool) -> Option<Versioned<Principal>> {
        self.estate.principals.all("").into_iter().map(|(_, found)| found).find(|found| fits(found))
    }
}
