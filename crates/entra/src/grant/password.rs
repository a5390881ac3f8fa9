//! A client asks with a user's name and password (RFC 6749, section 4.3).

use iolite_kernel::{Secret, ServiceError};
use iolite_resources::{Principal, PrincipalKind};
use iolite_store::Versioned;

use super::{Granted, Inquiry, enabled};
use crate::Entra;
use crate::errors::{UNKNOWN_USER, WRONG_PASSWORD};
use crate::secrecy;

pub(super) fn grant(entra: &Entra, inquiry: &Inquiry<'_>) -> Result<Granted, ServiceError> {
    let client = entra.client(inquiry.request, inquiry.form)?;
    let (name, password) = (inquiry.form.required("username")?, inquiry.form.required("password")?);
    let principal = entra.sign_in(name, password)?;
    let scopes = inquiry.asked()?.ok_or_else(|| inquiry.nothing_asked())?;
    let audience = entra.delegated_audience(&scopes, &inquiry.request.origin)?;
    Ok(Granted { principal, audience, scopes, client_id: client.id, proof: client.proof })
}

impl Entra {
    /// The user with this name and password.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Result<Versioned<Principal>, ServiceError> {
        let Some(user) = self.user_named(name) else {
            let name: String = name.chars().take(128).collect();
            let text =
                format!("The user account {name} does not exist in the {} directory.", self.estate.tenant.domain);
            return Err(ServiceError::new(&UNKNOWN_USER, text));
        };
        let kept = match &user.kind {
            PrincipalKind::User { password, .. } => password.clone(),
            _ => Secret::default(),
        };
        if kept.reveal().is_empty() || !secrecy::same(&kept, password) {
            return Err(ServiceError::new(&WRONG_PASSWORD, "The user name or the password is wrong."));
        }
        enabled(user)
    }
}
