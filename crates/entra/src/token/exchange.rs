//! From a form to a reply: the grant says for whom, the issuer signs, the reply carries what the client asked for.

use iolite_kernel::{Answer, Request, ServiceError};
use iolite_resources::{Principal, PrincipalKind};

use super::reply::{Reply, UserPart};
use crate::Entra;
use crate::errors::INTERNAL;
use crate::form::Form;
use crate::grant::{Dialect, Inquiry};
use crate::issue::IssueError;

/// Answers a token request.
pub(super) async fn exchange(entra: &Entra, request: &Request, dialect: Dialect) -> Result<Answer, ServiceError> {
    let form = Form::read(request)?;
    let granted = Inquiry { dialect, request, form: &form }.grant(entra)?;
    let principal: &Principal = &granted.principal;
    let issued = entra.issue_to(principal, &granted.audience, &granted.client_id, granted.proof).await;
    let (token, grounds) = issued.map_err(failed)?;
    let user = match &principal.kind {
        PrincipalKind::User { user_name, .. } => {
            let id_token = if granted.scopes.openid {
                Some(entra.signed(&grounds.id_token(user_name)).await.map_err(failed)?)
            } else {
                None
            };
            let refresh_token = granted.scopes.offline_access.then(|| {
                let resource = granted.scopes.resource.as_deref().unwrap_or(&token.resource);
                let now = entra.ground.now();
                let entropy = &*entra.ground.entropy;
                entra.refresh_tokens.grant(entropy, now, &principal.object_id, &granted.client_id, resource)
            });
            let client_info = form.get("client_info") == Some("1");
            Some(UserPart { object_id: &principal.object_id, id_token, refresh_token, client_info })
        }
        _ => None,
    };
    let tenant_id = &entra.estate.tenant.id;
    Ok(Reply { dialect, token: &token, scopes: &granted.scopes, user, tenant_id }.answer())
}

fn failed(cause: IssueError) -> ServiceError {
    ServiceError::new(&INTERNAL, "The token could not be made.").because(cause)
}
