//! Users, all or the one that a filter names.
//!
//! Source: Microsoft Graph v1.0, "List users".

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::PrincipalKind;

use super::filter::{self, unknown_field};
use super::object::{collection, object};
use crate::Entra;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Graph_ListUsers",
    method: Method::Get,
    path: "/graph/v1.0/users",
    versions: ApiVersions::Unversioned,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Lists the users of the directory, or the one that a filter names.",
};

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let wanted = filter::of(&request)?;
    let mut found = Vec::new();
    for (_, principal) in entra.estate.principals.all("") {
        let PrincipalKind::User { user_name, .. } = &principal.kind else { continue };
        let shown = match &wanted {
            None => true,
            Some(wanted) => match wanted.field.as_str() {
                "userPrincipalName" => user_name.eq_ignore_ascii_case(&wanted.value),
                "displayName" => principal.name.eq_ignore_ascii_case(&wanted.value),
                "id" => principal.object_id.eq_ignore_ascii_case(&wanted.value),
                field => return Err(unknown_field(field)),
            },
        };
        if shown {
            found.push(object(&principal));
        }
    }
    Ok(Answer::ok(&collection("users", found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json_of, request};

    async fn ask(query: &str) -> Result<Vec<serde_json::Value>, ServiceError> {
        let world = World::new();
        let request = request(&format!("/graph/v1.0/users{query}"));
        let answer = run(&world.entra, world.permit(&OPERATION), request).await?;
        Ok(json_of(&answer)["value"].as_array().unwrap().clone())
    }

    #[tokio::test]
    async fn a_user_is_found_by_name_and_nothing_secret_is_shown() {
        let found = ask("?$filter=userPrincipalName+eq+'Operator@contoso.example'").await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["userPrincipalName"], "operator@contoso.example");
        assert!(!found[0].to_string().contains(crate::testing::PASSWORD));
        assert_eq!(ask("?$filter=userPrincipalName+eq+'owner-app'").await.unwrap().len(), 0);
        assert_eq!(ask("").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_filter_that_is_not_understood_is_refused() {
        assert_eq!(ask("?$filter=city+eq+'x'").await.unwrap_err().code.name, "Request_UnsupportedQuery");
    }
}
