//! Directory objects as Graph shows them.

use iolite_resources::{Principal, PrincipalKind};
use serde_json::{Value, json};

/// `principal` as Graph shows it.
pub(super) fn object(principal: &Principal) -> Value {
    let id = &principal.object_id;
    match &principal.kind {
        PrincipalKind::User { user_name, .. } => json!({
            "@odata.type": "#microsoft.graph.user", "id": id, "accountEnabled": principal.enabled,
            "displayName": principal.name, "mail": null, "userPrincipalName": user_name,
        }),
        PrincipalKind::Group { .. } => json!({
            "@odata.type": "#microsoft.graph.group", "id": id, "displayName": principal.name, "securityEnabled": true,
        }),
        PrincipalKind::ServicePrincipal { client_id, .. } => service_principal(principal, client_id, "Application"),
        PrincipalKind::ManagedIdentity { client_id, .. } => service_principal(principal, client_id, "ManagedIdentity"),
    }
}

fn service_principal(principal: &Principal, client_id: &str, kind: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.servicePrincipal", "id": principal.object_id,
        "accountEnabled": principal.enabled, "appDisplayName": principal.name, "appId": client_id,
        "displayName": principal.name, "servicePrincipalNames": [client_id], "servicePrincipalType": kind,
    })
}

/// A collection named `name` of these objects.
pub(super) fn collection(name: &str, objects: Vec<Value>) -> Value {
    json!({"@odata.context": format!("https://graph.microsoft.com/v1.0/$metadata#{name}"), "value": objects})
}
