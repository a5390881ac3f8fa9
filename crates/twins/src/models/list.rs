//! `DigitalTwinModels_List`: the models of an instance, or some of them with all they need, page by page.
//!
//! Source: the data-plane specification 2023-10-31; `nextLink` as recorded (`/Models`, `includeModelDefinition=False`,
//! `continuationToken`, `api-version`).

use std::collections::BTreeSet;

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, PageToken, Request, Service, ServiceError, Support};
use iolite_store::Versioned;
use serde::Serialize;

use super::{Model, entry::Entry, includes_definition};
use crate::{Twins, dtmi, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwinModels_List",
    method: Method::Get,
    path: "/models",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/models/read"], rights: &[] },
    support: Support::Served,
    summary: "Lists models, their definitions too if asked for.",
};

/// The most models on a page, and how many there are on one where the caller does not say (the service's published limit).
const PAGE: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Entry>,
    next_link: Option<String>,
}

/// What a caller asks for.
struct Question<'a> {
    with_definitions: bool,
    /// The models whose dependencies are wanted; none for all models.
    dependencies_for: Vec<&'a str>,
    page_size: usize,
}

/// Runs it: 200 with a page of models in the order of their ids.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let instance = permit.resource_key();
    let question = Question::read(&request)?;
    let listing = format!("models {instance} {}", question.dependencies_for.join(" "));
    let after = match request.query("continuationToken") {
        None | Some("") => None,
        Some(text) => Some(PageToken::decode(&listing, text).map_err(|error| {
            ServiceError::new(&errors::BAD_REQUEST, "The continuation token was not given out by this listing.")
                .because(error)
        })?),
    };
    let after = after.as_ref().map(|token| token.after.as_str());
    let mut models = if question.dependencies_for.is_empty() {
        some_of_all(service, &instance, after, question.page_size + 1)
    } else {
        dependencies(service, &instance, &question.dependencies_for, after, question.page_size + 1)?
    };
    let goes_on = models.len() > question.page_size;
    models.truncate(question.page_size);
    let next_link = models
        .last()
        .filter(|_| goes_on)
        .map(|last| question.next_link(&request, &PageToken::new(&listing, last.id.as_str()).encode()));
    let value = models.iter().map(|model| Entry::new(model, question.with_definitions)).collect();
    Ok(Answer::ok(&Page { value, next_link }))
}

fn some_of_all(service: &Twins, instance: &str, after: Option<&str>, limit: usize) -> Vec<Versioned<Model>> {
    let after = after.map(|id| Twins::key(instance, id));
    let rows = service.models.page(&Twins::key(instance, ""), after.as_deref(), limit);
    rows.into_iter().map(|(_, model)| model).collect()
}

/// The named models and, from model to model, all that they extend or have as a component.
fn dependencies(
    service: &Twins,
    instance: &str,
    named: &[&str],
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Versioned<Model>>, ServiceError> {
    let find = |id: &str| service.models.get(&Twins::key(instance, id));
    let unknown: Vec<&str> = named.iter().copied().filter(|id| find(id).is_none()).collect();
    if !unknown.is_empty() {
        return Err(errors::model_not_found(&unknown));
    }
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = named.iter().map(|id| (*id).to_owned()).collect();
    while let Some(id) = open.pop() {
        if let Some(model) = find(&id)
            && reached.insert(id)
        {
            open.extend(model.interface.needs().map(str::to_owned));
        }
    }
    let wanted = reached.iter().filter(|id| after.is_none_or(|after| id.as_str() > after));
    Ok(wanted.filter_map(|id| find(id)).take(limit).collect())
}

impl<'a> Question<'a> {
    fn read(request: &'a Request) -> Result<Self, ServiceError> {
        let named = request.query.iter().filter(|(name, _)| name.eq_ignore_ascii_case("dependenciesFor"));
        let dependencies_for: Vec<&str> = named.map(|(_, id)| id.as_str()).filter(|id| !id.is_empty()).collect();
        if let Some(id) = dependencies_for.iter().find(|id| !dtmi::is_model_id(id)) {
            return Err(errors::invalid_model_id(id));
        }
        let page_size = match request.header("max-items-per-page").map(str::trim) {
            None | Some("") => PAGE,
            Some(text) => {
                text.parse::<usize>().ok().filter(|size| *size > 0).map(|size| size.min(PAGE)).ok_or_else(|| {
                    let text = format!("The value '{text}' of max-items-per-page is no positive number.");
                    ServiceError::new(&errors::INVALID_ARGUMENT, text)
                })?
            }
        };
        Ok(Self { with_definitions: includes_definition(request)?, dependencies_for, page_size })
    }

    fn next_link(&self, request: &Request, token: &str) -> String {
        let with = if self.with_definitions { "True" } else { "False" };
        let mut link = format!("{}/Models?includeModelDefinition={with}", request.origin);
        for id in &self.dependencies_for {
            link.push_str("&dependenciesFor=");
            link.push_str(&id.replace(':', "%3A").replace(';', "%3B"));
        }
        format!("{link}&continuationToken={token}&api-version={}", request.api_version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, interface, request_for};

    async fn world() -> World {
        let world = World::new();
        let part = json!([{"@type": "Component", "name": "part", "schema": "dtmi:example:C;1"}]);
        let mut b = interface("dtmi:example:B;1", &part);
        b["extends"] = json!("dtmi:example:D;1");
        let models = json!([
            interface("dtmi:example:A;1", &json!([])),
            b,
            interface("dtmi:example:C;1", &json!([])),
            interface("dtmi:example:D;1", &json!([])),
        ]);
        world.upload(&models).await;
        world
    }

    fn ids(answer: &Value) -> Vec<&str> {
        answer["value"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
    }

    async fn list(world: &World, query: &[(&str, &str)], page_size: &str) -> Result<Value, ServiceError> {
        let mut request = request_for(&[], "");
        request.query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        request.headers.insert("max-items-per-page", page_size.parse().unwrap());
        world.send(&OPERATION, request).await
    }

    #[tokio::test]
    async fn an_empty_instance_has_no_models() {
        assert_eq!(list(&World::new(), &[], "").await.unwrap(), json!({"value": [], "nextLink": null}));
    }

    #[tokio::test]
    async fn definitions_are_shown_only_if_asked_for() {
        let world = world().await;
        let bare = list(&world, &[], "").await.unwrap();
        assert!(bare["value"][0].get("model").is_none());
        let whole = list(&world, &[("includeModelDefinition", "true")], "").await.unwrap();
        assert_eq!(whole["value"][0]["model"]["@id"], "dtmi:example:A;1");
        let error = list(&world, &[("includeModelDefinition", "perhaps")], "").await.unwrap_err();
        assert_eq!(error.code.name, "InvalidArgument");
    }

    #[tokio::test]
    async fn the_next_link_leads_through_all_pages() {
        let world = world().await;
        let first = list(&world, &[], "3").await.unwrap();
        assert_eq!(ids(&first), ["dtmi:example:A;1", "dtmi:example:B;1", "dtmi:example:C;1"]);
        let link = first["nextLink"].as_str().unwrap();
        assert!(
            link.starts_with("https://localhost:8443/Models?includeModelDefinition=False&continuationToken="),
            "{link}"
        );
        assert!(link.ends_with("&api-version=2023-10-31"), "{link}");
        let token = link.split("continuationToken=").nth(1).unwrap().split('&').next().unwrap();
        let second = list(&world, &[("continuationToken", token)], "3").await.unwrap();
        assert_eq!(ids(&second), ["dtmi:example:D;1"]);
        assert_eq!(second["nextLink"], Value::Null);
    }

    #[tokio::test]
    async fn dependencies_are_what_is_extended_and_what_is_a_component() {
        let world = world().await;
        let wanted = ("dependenciesFor", "dtmi:example:B;1");
        let all = list(&world, &[wanted], "").await.unwrap();
        assert_eq!(ids(&all), ["dtmi:example:B;1", "dtmi:example:C;1", "dtmi:example:D;1"]);
        let first = list(&world, &[wanted], "2").await.unwrap();
        let link = first["nextLink"].as_str().unwrap();
        assert!(link.contains("&dependenciesFor=dtmi%3Aexample%3AB%3B1&"), "{link}");
        let token = link.split("continuationToken=").nth(1).unwrap().split('&').next().unwrap();
        let second = list(&world, &[wanted, ("continuationToken", token)], "2").await.unwrap();
        assert_eq!(ids(&second), ["dtmi:example:D;1"]);
    }

    #[tokio::test]
    async fn what_cannot_be_listed_is_refused() {
        let world = world().await;
        for (query, size, code) in [
            (("dependenciesFor", "dtmi:example:Z;1"), "", "ModelNotFound"),
            (("dependenciesFor", "Room"), "", "InvalidArgument"),
            (("continuationToken", "forged"), "", "BadRequest"),
            (("x", ""), "0", "InvalidArgument"),
            (("x", ""), "-1", "InvalidArgument"),
            (("x", ""), "many", "InvalidArgument"),
        ] {
            assert_eq!(list(&world, &[query], size).await.unwrap_err().code.name, code, "{query:?} {size}");
        }
    }
}
