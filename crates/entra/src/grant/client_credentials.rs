//! An application asks in its own name (RFC 6749, section 4.4).

use iolite_kernel::ServiceError;

use super::{Granted, Inquiry};
use crate::Entra;
use crate::errors::NO_CLIENT_PROOF;

pub(super) fn grant(entra: &Entra, inquiry: &Inquiry<'_>) -> Result<Granted, ServiceError> {
    let client = entra.client(inquiry.request, inquiry.form)?;
    client.confidential()?;
    let scopes = inquiry.asked()?.ok_or_else(|| inquiry.nothing_asked())?;
    let audience = entra.audience(scopes.only_default()?, &inquiry.request.origin)?;
    let Some(principal) = client.principal else {
        // Cannot be: a confidential client has one.
        return Err(ServiceError::new(&NO_CLIENT_PROOF, "The application has no service principal."));
    };
    Ok(Granted { principal, audience, scopes, client_id: client.id, proof: client.proof })
}
