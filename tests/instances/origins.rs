//! Each resource on an origin of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::plant::{DPS_VERSION, GROUP, HUB_VERSION, HUBS, Kind, SERVICES, TWINS, call, marked};

#[tokio::test]
async fn every_resource_serves_itself_at_its_own_origin() {
    let emulator = marked().await;
    for (kind, name) in Kind::all() {
        let found = kind.found(&emulator, &emulator.origin_of(name)).await;
        assert_eq!(found, [kind.shown(name)], "what {name} has");
    }
}

#[tokio::test]
async fn the_first_of_each_kind_shares_an_origin_and_every_other_has_its_own() {
    let emulator = marked().await;
    let shared = [HUBS[0], SERVICES[0], TWINS[0]].map(|name| emulator.origin_of(name));
    assert!(shared.iter().all(|origin| *origin == shared[0]), "{shared:?}");
    let origins: BTreeSet<String> = Kind::all().map(|(_, name)| emulator.origin_of(name)).collect();
    assert_eq!(origins.len(), 1 + (HUBS.len() - 1) + (SERVICES.len() - 1) + (TWINS.len() - 1), "{origins:?}");
}

#[tokio::test]
async fn an_origin_of_one_resource_serves_nothing_else() {
    let emulator = marked().await;
    let own: Vec<_> = Kind::all().filter(|(_, name)| name.starts_with("alpha-")).collect();
    for (kind, name) in &own {
        let origin = emulator.origin_of(name);
        for (other, other_name) in own.iter().filter(|(_, other)| other != name) {
            let reply = other.ask(&emulator, &origin).await;
            assert!(
                matches!(reply.status, 400..500),
                "{name} answers as {other_name}: {} {}",
                reply.status,
                reply.body
            );
        }
        let arm = emulator.token("owner-app", "arm").await;
        let target = format!("{GROUP}?api-version=2021-04-01");
        let reply = call(emulator.client(), "GET", &origin, &target, &arm, &Value::Null).await;
        assert!(
            matches!(reply.status, 400..500),
            "{name} answers as Resource Manager: {} {}",
            reply.status,
            reply.body
        );
        assert_eq!(kind.found(&emulator, &origin).await, [kind.shown(name)]);
    }
}

#[tokio::test]
async fn a_sas_of_one_hub_is_refused_at_another() {
    let emulator = marked().await;
    let target = format!("/devices?{HUB_VERSION}");
    for of in HUBS {
        let sas = emulator.sas(json!({"hub": of, "policy": "iothubowner"})).await;
        for at in HUBS {
            let reply = call(emulator.client(), "GET", &emulator.origin_of(at), &target, &sas, &Value::Null).await;
            if at == of {
                assert_eq!(Kind::Hub.marks(&reply), [at]);
            } else if at == HUBS[0] {
                assert_eq!(Kind::Hub.marks(&reply), [of], "on the shared origin, the token says which hub is meant");
            } else {
                assert_eq!(reply.status, 401, "{of}'s token is good at {at}: {}", reply.body);
            }
        }
    }
}

/// A token for `localhost` names every resource of this machine (SDKs write no port there), so there the keys alone decide:
/// that is why the first hub is not part of this.
#[tokio::test]
async fn a_sas_that_names_another_hub_is_refused_though_the_key_is_the_same() {
    let emulator = marked().await;
    let target = format!("/devices?{HUB_VERSION}");
    for (of, at) in [("alpha-hub", "beta-hub"), ("beta-hub", "alpha-hub")] {
        let sas = emulator.sas(json!({"hub": of, "policy": "registry"})).await;
        let own = call(emulator.client(), "GET", &emulator.origin_of(of), &target, &sas, &Value::Null).await;
        assert_eq!(Kind::Hub.marks(&own), [of]);
        let reply = call(emulator.client(), "GET", &emulator.origin_of(at), &target, &sas, &Value::Null).await;
        assert_eq!(reply.status, 401, "{of}'s token is good at {at}: {}", reply.body);
        let decision = emulator.decision(&reply).await;
        assert!(decision["reason"].to_string().contains("resourceMismatch"), "{}", decision["reason"]);
    }
}

#[tokio::test]
async fn a_sas_of_one_provisioning_service_is_refused_at_another_though_the_key_is_the_same() {
    let emulator = marked().await;
    let target = format!("/enrollments/query?{DPS_VERSION}");
    let query = json!({"query": "SELECT * FROM enrollments"});
    for of in SERVICES {
        let sas = emulator.sas(json!({"dps": of, "policy": "enroller"})).await;
        for at in SERVICES {
            let reply = call(emulator.client(), "POST", &emulator.origin_of(at), &target, &sas, &query).await;
            if at == of {
                assert_eq!(Kind::Dps.marks(&reply), [at]);
            } else {
                assert_eq!(reply.status, 401, "{of}'s token is good at {at}: {}", reply.body);
                let decision = emulator.decision(&reply).await;
                assert!(decision["reason"].to_string().contains("resourceMismatch"), "{}", decision["reason"]);
            }
        }
    }
}
