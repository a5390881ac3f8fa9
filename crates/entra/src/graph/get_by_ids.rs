//! What a list of object ids is; ids that are not in the directory are left out.
//!
//! Source: Microsoft Graph v1.0, "directoryObject: getByIds" (1000 ids at most).

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::{Principal, PrincipalKind};
use serde::Deserialize;

use super::object::{collection, object};
use crate::Entra;
use crate::errors::GRAPH_BODY;

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Entra,
    name: "Graph_GetDirectoryObjectsByIds",
    method: Method::Post,
    path: "/graph/v1.0/directoryObjects/getByIds",
    versions: ApiVersions::Unversioned,
    need: Need::SignedIn,
    support: Support::Served,
    summary: "Tells what a list of object ids is.",
};

const MOST_IDS: usize = 1000;

#[derive(Deserialize)]
struct Wanted {
    ids: Vec<String>,
    /// `user`, `group`, `servicePrincipal` and others; empty or left out for all.
    #[serde(default)]
    types: Vec<String>,
}

/// Runs the operation.
pub async fn run(entra: &Entra, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let wanted: Wanted = serde_json::from_slice(&request.body).map_err(|cause| {
        ServiceError::new(&GRAPH_BODY, "The body must be JSON with 'ids', a list of texts.").because(cause)
    })?;
    if wanted.ids.len() > MOST_IDS {
        return Err(ServiceError::new(&GRAPH_BODY, format!("At most {MOST_IDS} ids may be asked for at once.")));
    }
    let is_wanted = |principal: &Principal| {
        let kind = kind(principal);
        wanted.types.is_empty()
            || wanted
                .types
                .iter()
                .any(|name| name.eq_ignore_ascii_case(kind) || name.eq_ignore_ascii_case("directoryObject"))
    };
    let found = wanted.ids.iter().filter_map(|id| entra.estate.principal(id));
    let found = found.filter(|principal| is_wanted(principal)).map(|principal| object(&principal)).collect();
    Ok(Answer::ok(&collection("directoryObjects", found)))
}

const fn kind(principal: &Principal) -> &'static str {
    match principal.kind {
        PrincipalKind::User { .. } => "user",
        PrincipalKind::Group { .. } => "group",
        PrincipalKind::ServicePrincipal { .. } | PrincipalKind::ManagedIdentity { .. } => "servicePrincipal",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, json_of, request};

    async fn ask(world: &World, body: &Value) -> Result<Vec<Value>, ServiceError> {
        let mut request = request("/x");
        request.body = body.to_string().into();
        let answer = run(&world.entra, world.permit(&OPERATION), request).await?;
        Ok(json_of(&answer)["value"].as_array().unwrap().clone())
    }

    #[tokio::test]
    async fn ids_are_told_with_their_kinds_and_strangers_are_left_out() {
        let world = World::new();
        let ids: Vec<String> =
            ["operator", "operators", "owner-app"].map(|name| world.principal(name).object_id.to_uppercase()).into();
        let mut all = ids.clone();
        all.push("99999999-9999-4999-8999-999999999999".to_owned());
        let found = ask(&world, &json!({"ids": all})).await.unwrap();
        let kinds: Vec<&str> = found.iter().map(|object| object["@odata.type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal"]);
        let users = ask(&world, &json!({"ids": ids, "types": ["user"]})).await.unwrap();
        assert_eq!(users.len(), 1);
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_used_is_refused() {
        let world = World::new();
        for bad in [json!({}), json!({"ids": "x"}), json!([]), json!({"ids": vec!["x"; MOST_IDS + 1]})] {
            assert_eq!(ask(&world, &bad).await.unwrap_err().code.name, "Request_BadRequest");
        }
    }
}
