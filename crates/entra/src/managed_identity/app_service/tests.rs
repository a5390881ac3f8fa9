//! The App Service endpoint, request by request.

use serde_json::Value;

use super::*;
use crate::testing::{IDENTITY_HEADER, NOW, World, body_of, json_of, request};

fn asked(header: Option<&str>, version: &str) -> Request {
    let mut request = request("/msi/token");
    if let Some(header) = header {
        request.headers.insert("x-identity-header", header.parse().unwrap());
    }
    request.query.push(("api-version".into(), version.into()));
    request.query.push(("resource".into(), "https://digitaltwins.azure.net".into()));
    request
}

async fn ask(world: &World, request: Request) -> Result<Value, ServiceError> {
    run(&world.entra, world.permit(&OPERATION), request).await.map(|answer| json_of(&answer))
}

#[tokio::test]
async fn the_app_gets_its_token() {
    let reply = ask(&World::new(), asked(Some(IDENTITY_HEADER), "2019-08-01")).await.unwrap();
    assert_eq!(reply["resource"], "https://digitaltwins.azure.net");
    assert_eq!(reply["expires_on"], (NOW + 3600).to_string());
}

#[tokio::test]
async fn whoever_does_not_know_the_header_gets_nothing() {
    let mut world = World::new();
    for header in [None, Some(""), Some("identity-heade")] {
        let refusal = ask(&world, asked(header, "2019-08-01")).await.unwrap_err();
        assert_eq!(body_of(&refusal)["statusCode"], 401, "{header:?}");
        assert!(!body_of(&refusal).to_string().contains(IDENTITY_HEADER));
    }
    world.entra.settings.identity_header = iolite_kernel::Secret::default();
    assert!(ask(&world, asked(Some(""), "2019-08-01")).await.is_err(), "an empty header closes the endpoint");
}

#[tokio::test]
async fn another_version_is_refused() {
    let refusal = ask(&World::new(), asked(Some(IDENTITY_HEADER), "2017-09-01")).await.unwrap_err();
    let body = body_of(&refusal);
    assert_eq!((&body["statusCode"], body["message"].as_str().is_some()), (&400.into(), true));
}
