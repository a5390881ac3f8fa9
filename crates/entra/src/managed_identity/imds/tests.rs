//! The instance metadata service, request by request.

use serde_json::Value;

use super::*;
use crate::testing::{NOW, World, body_of, claims_of, json_of, request};

const HUB: &str = "https://iothubs.azure.net";
const WORKLOAD_CLIENT: &str = "77777777-7777-4777-8777-777777777777";
const DPS_CLIENT: &str = "88888888-8888-4888-8888-888888888888";

fn good(more: &[(&str, &str)]) -> Request {
    let mut request = request("/metadata/identity/oauth2/token");
    request.headers.insert("metadata", "true".parse().unwrap());
    let pairs = [("api-version", "2018-02-01"), ("resource", HUB)];
    request.query.extend(pairs.iter().chain(more).map(|(name, value)| ((*name).into(), (*value).into())));
    request
}

async fn ask(world: &World, request: Request) -> Result<Value, ServiceError> {
    run(&world.entra, world.permit(&OPERATION), request).await.map(|answer| json_of(&answer))
}

#[tokio::test]
async fn whoever_names_no_identity_gets_the_worlds_workload_identity() {
    let reply = ask(&World::new(), good(&[])).await.unwrap();
    assert_eq!(reply["client_id"], WORKLOAD_CLIENT);
    assert_eq!((&reply["resource"], &reply["token_type"]), (&HUB.into(), &"Bearer".into()));
    assert_eq!(reply["expires_in"], "3600");
    assert_eq!(reply["expires_on"], (NOW + 3600).to_string());
    let claims = claims_of(reply["access_token"].as_str().unwrap());
    assert_eq!(claims["appid"], WORKLOAD_CLIENT);
    assert!(claims["tid"].is_string() && claims["xms_mirid"].is_string(), "az login --identity reads them");
}

#[tokio::test]
async fn an_identity_is_found_by_each_of_its_ids() {
    let world = World::new();
    let object_id = world.principal("contoso-workload").object_id.clone();
    let resource = "/subscriptions/SUB/resourceGroups/contoso/providers/Microsoft.ManagedIdentity/userAssignedIdentities/contoso-workload";
    for (name, value) in [
        ("client_id", WORKLOAD_CLIENT),
        ("object_id", object_id.as_str()),
        ("mi_res_id", resource),
        ("msi_res_id", resource),
    ] {
        assert_eq!(ask(&world, good(&[(name, value)])).await.unwrap()["client_id"], WORKLOAD_CLIENT, "{name}");
    }
}

#[tokio::test]
async fn another_resources_identity_is_not_this_machines() {
    let mut world = World::new();
    let wanted = [("client_id", DPS_CLIENT)];
    let refusal = ask(&world, good(&wanted)).await.unwrap_err();
    assert_eq!((refusal.code.status, body_of(&refusal)["error"].as_str()), (400, Some("invalid_request")));
    world.entra.settings.default_managed_identity = Some("contoso-dps".to_owned());
    assert_eq!(ask(&world, good(&wanted)).await.unwrap()["client_id"], DPS_CLIENT);
    assert_eq!(ask(&world, good(&[])).await.unwrap()["client_id"], DPS_CLIENT, "the one that was configured");
}

#[tokio::test]
async fn a_request_that_may_not_be_from_the_machine_is_refused() {
    let world = World::new();
    let mut bare = good(&[]);
    bare.headers.clear();
    let mut forwarded = good(&[]);
    forwarded.headers.insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
    let mut wrong = good(&[]);
    wrong.headers.insert("metadata", "1".parse().unwrap());
    for request in [bare, forwarded, wrong] {
        let refusal = ask(&world, request).await.unwrap_err();
        assert_eq!(refusal.code.status, 400);
        assert_eq!(body_of(&refusal)["error"], "invalid_request");
    }
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_told() {
    let world = World::new();
    let mut undated = good(&[]);
    undated.query[0].1 = "2018-2-1".into();
    let mut nowhere = good(&[]);
    nowhere.query.truncate(1);
    for request in [undated, nowhere, good(&[("client_id", "x")]), good(&[("client_id", "x"), ("object_id", "y")])] {
        assert_eq!(ask(&world, request).await.unwrap_err().code.status, 400);
    }
    let mut vault = good(&[]);
    vault.query[1].1 = "https://vault.azure.net".into();
    let refusal = body_of(&ask(&world, vault).await.unwrap_err());
    assert_eq!(refusal["error"], "invalid_resource");
    assert!(refusal["error_description"].as_str().unwrap().starts_with("AADSTS500011: "));
}

#[tokio::test]
async fn a_disabled_identity_gets_nothing() {
    let world = World::new();
    world.disable("contoso-workload").await;
    assert_eq!(ask(&world, good(&[])).await.unwrap_err().code.number, 7_000_112);
}
