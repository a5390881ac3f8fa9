//! Service principals, managed identities among them, all or the one that a filter names.
//!
//! Source: Microsoft Graph v1.0, "List servicePrincipals".

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::filter::{self, unknown_field};
use super::object::{collection, object};
use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Graph_ListServicePrincipals",
    method: Method::Get,
    path: "/graph/v1.0/servicePrincipals",
    versions: ApiVersions::Unversioned,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the service principals of the directory, or the one that a filter names.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let wanted = filter::of(&request)?;
    let mut found = Vec::new();
    for (_, principal) in entra.estate.principals.all("") {
        let Some(client_id) = principal.client_id() else { continue };
        let shown = match &wanted {
            None => true,
            Some(wanted) => match wanted.field.as_str() {
                "servicePrincipalNames" | "appId" => client_id.eq_ignore_ascii_case(&wanted.value),
                "displayName" => principal.name.eq_ignore_ascii_case(&wanted.value),
                "id" => principal.object_id.eq_ignore_ascii_case(&wanted.value),
                field => return Err(unknown_field(field)),
            },
        };
        if shown {
            found.push(object(&principal));
        }
    }
    Ok(Answer::ok(&collection("servicePrincipals", found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{APP_CLIENT_ID, APP_SECRET, World, json_of, request};

    async fn ask(filter: &str) -> Vec<serde_json::Value> {
        let world = World::new();
        let request = request(&format!("/graph/v1.0/servicePrincipals{filter}"));
        let answer = run(&world.entra, world.permit(&OPERATION), request).await.unwrap();
        json_of(&answer)["value"].as_array().unwrap().clone()
    }

    #[tokio::test]
    async fn an_application_is_found_by_its_client_id() {
        let found = ask(&format!("?$filter=servicePrincipalNames/any(c:c%20eq%20'{APP_CLIENT_ID}')")).await;
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["appId"], &found[0]["displayName"]), (&APP_CLIENT_ID.into(), &"owner-app".into()));
        assert!(!found[0].to_string().contains(APP_SECRET));
    }

    #[tokio::test]
    async fn managed_identities_are_service_principals_and_users_are_not() {
        let kinds: Vec<_> = ask("").await.iter().map(|found| found["servicePrincipalType"].clone()).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "ManagedIdentity").count(), 2);
        assert_eq!(kinds.len(), 3);
    }
}
