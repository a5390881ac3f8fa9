//! `BulkRegistry_UpdateRegistry`: makes, changes and removes up to a hundred identities and twins at once.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic. Each entry stands by itself: those that can be done are
//! done, the others are listed, and where there is one of those the status is 400 with the same shape. Needs the right to
//! write and the right to delete, whatever the entries ask.

use std::collections::HashMap;

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Serialize;

use crate::body::{self, Object};
use crate::devices::bulk_entry::Entry;
use crate::{Hub, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "BulkRegistry_UpdateRegistry",
    method: Method::Post,
    path: "/devices",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/devices/write", "Microsoft.Devices/IotHubs/devices/delete"],
        rights: &[Right::RegistryWrite],
    },
    support: Support::Served,
    summary: "Makes, changes and removes up to a hundred identities and twins at once.",
};

/// How many entries one request may have (documented).
const MOST_ENTRIES: usize = 100;

/// What came of the request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    is_successful: bool,
    errors: Vec<EntryError>,
    warnings: [(); 0],
}

/// Why one entry was not done. The code is a number, as import jobs of the service write it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryError {
    device_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<String>,
    error_code: u32,
    error_status: String,
}

/// Does what can be done: 200, or 400 where an entry was refused.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let entries: Vec<Object<Entry>> = body::json(&request)?;
    body::refuse_long_integers(&request)?;
    if entries.len() > MOST_ENTRIES {
        let message = format!("The request has {} entries; it takes up to {MOST_ENTRIES}.", entries.len());
        return Err(ServiceError::new(&errors::TOO_MANY_DEVICES, message));
    }
    let errors = hub
        .change(&permit.resource_key(), |registry| {
            let mut seen: HashMap<_, &Entry> = HashMap::new();
            let refused = entries.iter().filter_map(|Object(entry)| {
                let outcome = match seen.insert((&entry.id, &entry.module_id), entry) {
                    None => entry.apply(registry),
                    Some(before) if before.is_removal() && entry.is_removal() => Ok(()),
                    Some(_) => {
                        let message = "The request has more than one entry for this identity.";
                        Err(ServiceError::new(&errors::DEVICE_DEFINED_MULTIPLE_TIMES, message))
                    }
                };
                outcome.err().map(|error| EntryError {
                    device_id: entry.id.clone(),
                    module_id: entry.module_id.clone(),
                    error_code: error.code.number,
                    error_status: error.message,
                })
            });
            Ok::<_, ServiceError>(refused.collect::<Vec<_>>())
        })
        .await?;
    let status = if errors.is_empty() { 200 } else { 400 };
    Ok(Answer::json(status, &Outcome { is_successful: errors.is_empty(), errors, warnings: [] }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{self, World, named};

    async fn bulk(world: &World, body: Value) -> (u16, Value) {
        let answer = world.call(OPERATION.name, &[], &[], body).await.unwrap();
        (answer.status, fixture::json(&answer))
    }

    fn success() -> (u16, Value) {
        (200, json!({"isSuccessful": true, "errors": [], "warnings": []}))
    }

    #[tokio::test]
    async fn devices_with_twins_are_made_and_removed() {
        let world = World::new();
        let made = json!([
            {"id": "a", "importMode": "create", "status": "enabled", "properties": {"desired": {"user": "userA"}}},
            {"id": "b", "importMode": "create", "status": "disabled", "tags": {"floor": 1}},
        ]);
        assert_eq!(bulk(&world, made).await, success());
        let twin = world.twin("a").await;
        assert_eq!(twin["properties"]["desired"]["user"], "userA");
        assert_eq!(twin["properties"]["desired"]["$metadata"]["$lastUpdatedVersion"], 1);
        assert_eq!(world.twin("b").await["tags"], json!({"floor": 1}));
        let removed =
            json!([{"id": "a", "eTag": "stale", "importMode": "delete"}, {"id": "b", "importMode": "delete"}]);
        assert_eq!(bulk(&world, removed).await, success());
        assert_eq!(world.hub.devices.count(""), 0);
    }

    #[tokio::test]
    async fn modules_are_made_and_changed() {
        let world = World::new();
        world.put_device("a", named("a")).await;
        let made = json!([{"id": "a", "moduleId": "m", "importMode": "create", "properties": {"desired": {"x": 1}}}]);
        assert_eq!(bulk(&world, made).await, success());
        let changed =
            json!([{"id": "a", "moduleId": "m", "importMode": "update", "authentication": {"type": "selfSigned"}}]);
        assert_eq!(bulk(&world, changed).await, success());
        let module = world.call("Modules_GetIdentity", &[("id", "a"), ("mid", "m")], &[], None).await.unwrap();
        assert_eq!(fixture::json(&module)["authentication"]["type"], "selfSigned");
    }

    #[tokio::test]
    async fn one_refused_entry_does_not_stop_the_others() {
        let world = World::new();
        world.put_device("a", named("a")).await;
        let (status, outcome) = bulk(
            &world,
            json!([
                {"id": "a", "importMode": "create"},
                {"id": "b", "importMode": "update"},
                {"id": "c"},
                {"id": "c"},
                {"id": "d", "moduleId": "m"},
                {"id": "e", "properties": {"desired": {"a.b": 1}}},
                {"id": "a b"},
            ]),
        )
        .await;
        assert_eq!((status, &outcome["isSuccessful"]), (400, &json!(false)));
        let errors: Vec<_> = outcome["errors"].as_array().unwrap().iter().map(|error| &error["errorCode"]).collect();
        assert_eq!(errors, [409_001, 404_001, 400_011, 404_001, 400_004, 400_006]);
        assert_eq!(outcome["errors"][3]["moduleId"], "m");
        assert_eq!((world.hub.devices.count(""), world.hub.twins.count("")), (2, 2));
    }

    #[tokio::test]
    async fn an_identity_that_is_to_go_twice_goes_once() {
        let world = World::new();
        world.put_device("a", named("a")).await;
        let twice = json!([{"id": "a", "importMode": "delete"}, {"id": "a", "importMode": "delete"}]);
        assert_eq!(bulk(&world, twice.clone()).await, success());
        assert_eq!(bulk(&world, twice).await.1["errors"][0]["errorCode"], 404_001);
        let mixed = json!([{"id": "a"}, {"id": "a", "importMode": "delete"}]);
        assert_eq!(bulk(&world, mixed).await.1["errors"][0]["errorCode"], 400_011);
    }

    #[tokio::test]
    async fn the_modes_that_match_etags_do() {
        let world = World::new();
        let device = world.put_device("a", named("a")).await;
        let twin = world.twin("a").await;
        let patch = json!({"desired": {"x": 1}});
        for stale in [
            json!({"id": "a", "importMode": "updateIfMatchETag", "eTag": "MQ==", "status": "disabled"}),
            json!({"id": "a", "importMode": "deleteIfMatchETag", "eTag": "MQ=="}),
            json!({"id": "a", "importMode": "updateTwinIfMatchETag", "twinETag": "MQ==", "properties": patch}),
        ] {
            assert_eq!(bulk(&world, json!([stale])).await.1["errors"][0]["errorCode"], 412_001, "{stale}");
        }
        for current in [
            json!({"id": "a", "importMode": "updateTwin", "tags": {"t": 1}}),
            json!({"id": "a", "importMode": "updateTwinIfMatchETag", "twinETag": "AAAAAAAAAAI=", "properties": patch}),
            json!({"id": "a", "importMode": "updateIfMatchETag", "eTag": device["etag"], "status": "disabled"}),
        ] {
            assert_eq!(bulk(&world, json!([current])).await, success(), "{current}");
        }
        let after = world.twin("a").await;
        assert_eq!(after["version"], twin["version"].as_u64().unwrap() + 2);
        assert_eq!((&after["tags"]["t"], &after["properties"]["desired"]["x"]), (&json!(1), &json!(1)));
        assert_eq!(after["status"], "disabled");
    }

    #[tokio::test]
    async fn modes_are_read_in_any_letter_case_and_a_tag_under_the_name_it_is_read_by() {
        let world = World::new();
        let device = world.put_device("a", named("a")).await;
        let stale = json!({"id": "a", "importMode": "UpdateIfMatchETag", "etag": "MQ==", "status": "disabled"});
        assert_eq!(bulk(&world, json!([stale])).await.1["errors"][0]["errorCode"], 412_001);
        let current = json!({"id": "a", "importMode": "DeleteIfMatchETag", "etag": device["etag"]});
        assert_eq!(bulk(&world, json!([current])).await, success());
        assert_eq!(world.hub.devices.count(""), 0);
    }

    #[tokio::test]
    async fn a_hundred_entries_are_taken_and_no_more() {
        let world = World::new();
        let entries =
            |count: usize| Value::from((0..count).map(|n| json!({"id": format!("d{n}")})).collect::<Vec<_>>());
        let error = world.call(OPERATION.name, &[], &[], entries(101)).await.unwrap_err();
        assert_eq!(error.code, &errors::TOO_MANY_DEVICES);
        assert_eq!(bulk(&world, entries(100)).await, success());
        assert_eq!(world.hub.devices.count(""), 100);
    }

    #[tokio::test]
    async fn an_entry_of_the_wrong_form_refuses_the_whole_request() {
        let world = World::new();
        for body in [
            json!({"id": "a"}),
            json!([{"id": "a"}, {"importMode": "create"}]),
            json!([{"id": "a", "importMode": "x"}]),
        ] {
            let error = world.call(OPERATION.name, &[], &[], body.clone()).await.unwrap_err();
            assert_eq!(error.code, &errors::ARGUMENT_INVALID, "{body}");
        }
        assert_eq!(world.hub.devices.count(""), 0);
    }
}
