//! A client asks again with what it was given at a user's sign-in (RFC 6749, section 6).

use iolite_kernel::ServiceError;

use super::{Granted, Inquiry, enabled};
use crate::Entra;
use crate::audience::Scopes;
use crate::errors::{REFRESH_TOKEN_EXPIRED, UNKNOWN_REFRESH_TOKEN};

pub(super) fn grant(entra: &Entra, inquiry: &Inquiry<'_>) -> Result<Granted, ServiceError> {
    let client = entra.client(inquiry.request, inquiry.form)?;
    let session = entra.refresh_tokens.find(inquiry.form.required("refresh_token")?);
    let session = session.filter(|session| session.client_id == client.id).ok_or_else(unknown)?;
    if entra.ground.now() >= session.expires_at {
        let text = format!("The refresh token ended at {}; sign in again.", session.expires_at);
        return Err(ServiceError::new(&REFRESH_TOKEN_EXPIRED, text));
    }
    let principal = enabled(entra.estate.principal(&session.object_id).ok_or_else(unknown)?)?;
    let mut scopes = inquiry.asked()?.unwrap_or_default();
    if scopes.resource.is_none() {
        let known = Scopes::of_resource(&session.resource);
        (scopes.resource, scopes.permissions) = (known.resource, known.permissions);
    }
    let audience = entra.delegated_audience(&scopes, &inquiry.request.origin)?;
    Ok(Granted { principal, audience, scopes, client_id: client.id, proof: client.proof })
}

fn unknown() -> ServiceError {
    let text = "The refresh token is not one that this issuer gave to this client since it was started; sign in again.";
    ServiceError::new(&UNKNOWN_REFRESH_TOKEN, text)
}
