//! Which managed identity a request means, and the reply with its token.

use iolite_kernel::{Request, ServiceError};
use iolite_resources::{ManagedIdentityKind, Principal, PrincipalKind};
use iolite_store::Versioned;
use serde_json::{Value, json};

use crate::claims::Proof;
use crate::errors::{APPLICATION_DISABLED, INTERNAL, MANAGED_IDENTITY_REQUEST};
use crate::{Entra, Token};

/// The query parameters that name an identity by its resource id: the two endpoints and their SDKs spell it differently.
const BY_RESOURCE: [&str; 2] = ["mi_res_id", "msi_res_id"];

/// A token for the identity that `request` names, at the resource it names.
pub(super) async fn token(entra: &Entra, request: &Request) -> Result<Value, ServiceError> {
    let resource = given(request, "resource").ok_or_else(|| refuse("The query lacks the parameter 'resource'."))?;
    let identity = entra.managed_identity(request)?;
    let PrincipalKind::ManagedIdentity { client_id, .. } = &identity.kind else { return Err(not_found()) };
    if !identity.enabled {
        let text = format!("The managed identity '{}' is disabled.", identity.name);
        return Err(ServiceError::new(&APPLICATION_DISABLED, text));
    }
    let audience = entra.audience(resource, &request.origin)?;
    let issued = entra.issue_to(&identity, &audience, client_id, Proof::Assertion).await;
    let (token, _) =
        issued.map_err(|cause| ServiceError::new(&INTERNAL, "The token could not be made.").because(cause))?;
    Ok(reply(&token, client_id))
}

/// Every value a string, as both endpoints write them. azure-identity for JavaScript reads `expires_on` alone, the one
/// for Python `expires_in`.
fn reply(token: &Token, client_id: &str) -> Value {
    let lifetime = token.lifetime_seconds().to_string();
    json!({
        "access_token": token.access_token.reveal(),
        "client_id": client_id,
        "expires_in": lifetime,
        "expires_on": token.expires_at.as_second().to_string(),
        "ext_expires_in": lifetime,
        "not_before": token.issued_at.as_second().to_string(),
        "resource": token.resource,
        "token_type": "Bearer",
    })
}

impl Entra {
    /// The identity that `request` names by client, object or resource id, or the one that it gets by naming none.
    fn managed_identity(&self, request: &Request) -> Result<Versioned<Principal>, ServiceError> {
        let by_client = given(request, "client_id");
        let by_object = given(request, "object_id").or_else(|| given(request, "principal_id"));
        let by_resource = BY_RESOURCE.iter().find_map(|name| given(request, name));
        let named = [by_client, by_object, by_resource].into_iter().flatten().count();
        if named > 1 {
            return Err(refuse("Name the identity by one of client_id, object_id and mi_res_id, not by several."));
        }
        let default = self.settings.default_managed_identity.as_deref();
        let default = default.and_then(|name| self.estate.principal_named(name));
        let mut assigned = self.estate.principals.all("").into_iter().map(|(_, found)| found).filter(|found| {
            is_user_assigned(found) || default.as_ref().is_some_and(|default| default.object_id == found.object_id)
        });
        let fits = |found: &Versioned<Principal>| {
            by_client.is_some_and(|id| found.client_id().is_some_and(|known| known.eq_ignore_ascii_case(id)))
                || by_object.is_some_and(|id| found.object_id.eq_ignore_ascii_case(id))
                || by_resource.is_some_and(|id| is_resource(found, id))
        };
        let found = if named == 1 { assigned.find(fits) } else { default.clone().or_else(|| assigned.next()) };
        found.ok_or_else(not_found)
    }
}

fn is_user_assigned(principal: &Principal) -> bool {
    matches!(&principal.kind, PrincipalKind::ManagedIdentity { owner: ManagedIdentityKind::UserAssigned(_), .. })
}

fn is_resource(principal: &Principal, id: &str) -> bool {
    match &principal.kind {
        PrincipalKind::ManagedIdentity { owner, .. } => owner.resource().as_str().eq_ignore_ascii_case(id),
        _ => false,
    }
}

/// The query parameter `name`, where it has a value.
pub(super) fn given<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query(name).filter(|value| !value.is_empty())
}

/// A refusal of the request itself.
pub(super) fn refuse(text: &str) -> ServiceError {
    ServiceError::new(&MANAGED_IDENTITY_REQUEST, text)
}

fn not_found() -> ServiceError {
    refuse("Identity not found: no managed identity of this world is the one that was asked for.")
}
