//! `Configuration_CreateOrUpdate`: makes a configuration, or changes its labels, target, priority and metrics.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: `If-Match` as for devices, 200 for a new one too, etags
//! counted from 1. The content stays as it was made.

use std::collections::BTreeMap;

use iolite_access::Permit;
use iolite_kernel::{
    Answer, Method, Need, Operation, Precondition, Request, Right, Service, ServiceError, Support, Timestamp,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::{self, Object};
use crate::configuration::{Configuration, ContentKind, Measurement};
use crate::configurations::{check, get};
use crate::document::Doc;
use crate::registry::makes;
use crate::{Hub, errors, etag, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_CreateOrUpdate",
    method: Method::Put,
    path: "/configurations/{id}",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/write"],
        rights: &[Right::RegistryWrite, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Makes a configuration, or changes the one that is there.",
};

/// How many configurations a hub may have, on the free tier and on the others (documented).
const MOST_CONFIGURATIONS: (usize, usize) = (10, 100);
/// How many metrics a configuration may have of its own (documented).
const MOST_METRICS: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationBody {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    schema_version: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    content: Option<Map<String, Value>>,
    #[serde(default)]
    target_condition: Option<String>,
    #[serde(default)]
    priority: Option<i32>,
    #[serde(default)]
    metrics: Option<Object<MetricsBody>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MetricsBody {
    queries: Option<BTreeMap<String, String>>,
}

/// What was sent, found right.
struct Sent {
    body: ConfigurationBody,
    content: Option<(ContentKind, Map<String, Value>)>,
    metrics: BTreeMap<String, String>,
}

/// Makes or changes the configuration: 200 with it.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = ids::configuration(request.param("id"))?;
    let precondition = body::if_match(&request)?;
    let sent = read(&request, id)?;
    let configuration = write(hub, &permit.resource_key(), id, &precondition, &sent).await?;
    Ok(configuration.answer(&Measurement::default()))
}

/// Keeps what was sent of the configuration `id` of the hub keyed `key`.
async fn write(
    hub: &Hub,
    key: &str,
    id: &str,
    precondition: &Precondition,
    sent: &Sent,
) -> Result<Configuration, ServiceError> {
    let at = ids::device_key(key, id);
    let is_free = hub.hubs.get(key).is_some_and(|hub| hub.sku.name == "F1");
    let most = if is_free { MOST_CONFIGURATIONS.0 } else { MOST_CONFIGURATIONS.1 };
    hub.store
        .transact(|transaction| {
            hub.require(transaction, key)?;
            let current = transaction.get(&hub.configurations, &at);
            let configuration = match (&current, makes(precondition)) {
                (Some(_), true) => {
                    let message = format!("A configuration with ID '{id}' already exists.");
                    return Err(ServiceError::new(&errors::CONFIGURATION_ALREADY_EXISTS, message));
                }
                (None, false) => return Err(get::not_found(id)),
                (None, true) => {
                    if transaction.count(&hub.configurations, &format!("{key}/")) >= most {
                        let message = format!("The hub has {most} configurations already.");
                        return Err(ServiceError::new(&errors::CONFIGURATION_COUNT_LIMIT_EXCEEDED, message));
                    }
                    made(hub, id, sent)?
                }
                (Some(current), false) => {
                    etag::require(precondition, &current.etag())?;
                    changed(current, sent, hub.ground.now())?
                }
            };
            transaction.put(&hub.configurations, &at, configuration.clone());
            Ok(configuration)
        })
        .await
}

/// Makes or changes the configuration of a line of an import; a refusal comes with the id, where the line has one.
pub(crate) async fn import(hub: &Hub, key: &str, line: &[u8]) -> Result<(), (Option<String>, ServiceError)> {
    let Object(body) = serde_json::from_slice::<Object<ConfigurationBody>>(line).map_err(|error| {
        (None, ServiceError::new(&errors::IOT_HUB_FORMAT_ERROR, format!("The line is no configuration: {error}.")))
    })?;
    let id = body.id.clone().unwrap_or_default();
    let put = async {
        ids::configuration(&id)?;
        let sent = checked(body, &id)?;
        let exists = hub.configurations.get(&ids::device_key(key, &id)).is_some();
        let precondition = if exists { Precondition::Any } else { Precondition::None };
        write(hub, key, &id, &precondition, &sent).await.map(|_| ())
    };
    put.await.map_err(|error| (Some(id.clone()), error))
}

fn read(request: &Request, id: &str) -> Result<Sent, ServiceError> {
    checked(body::object(request)?, id)
}

fn checked(mut body: ConfigurationBody, id: &str) -> Result<Sent, ServiceError> {
    match body.id.as_deref() {
        Some(sent) if sent == id => {}
        Some(_) => return Err(errors::invalid("The body's 'id' is not the one in the path.")),
        None => return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no 'id'.")),
    }
    let content = match body.content.take() {
        Some(content) => Some((check::content(&content)?, content)),
        None => None,
    };
    let metrics = body.metrics.take().and_then(|Object(metrics)| metrics.queries).unwrap_or_default();
    if metrics.len() > MOST_METRICS {
        let message = format!("The configuration has more than {MOST_METRICS} metrics.");
        return Err(ServiceError::new(&errors::INVALID_CONFIGURATION_METRICS_QUERY, message));
    }
    for (name, query) in &metrics {
        check::metric(query).map_err(|why| {
            let message = format!("The metric '{}' cannot be read: {why}", body::shortened(name));
            ServiceError::new(&errors::INVALID_CONFIGURATION_METRICS_QUERY, message)
        })?;
    }
    Ok(Sent { body, content, metrics })
}

fn made(hub: &Hub, id: &str, sent: &Sent) -> Result<Configuration, ServiceError> {
    let Some((kind, content)) = &sent.content else {
        return Err(ServiceError::new(&errors::INVALID_CONFIGURATION_CONTENT, "The configuration has no content."));
    };
    let now = hub.ground.now();
    let blank = Configuration {
        id: id.into(),
        schema_version: sent.body.schema_version.as_deref().map(Box::from),
        labels: BTreeMap::new(),
        content: Doc::new(content),
        kind: *kind,
        target_condition: Box::from(""),
        priority: 0,
        metrics: BTreeMap::new(),
        created_at: now,
        changed_at: now,
        tag: 0,
    };
    changed(&blank, sent, now)
}

fn changed(current: &Configuration, sent: &Sent, now: Timestamp) -> Result<Configuration, ServiceError> {
    if sent.content.as_ref().is_some_and(|(_, content)| *content != current.content.fields()) {
        let message = "The content of a configuration cannot be changed; make another one.";
        return Err(ServiceError::new(&errors::CANNOT_MODIFY_CONFIGURATION_CONTENT, message));
    }
    let mut changed = current.clone();
    changed.labels = sent.body.labels.clone().unwrap_or_default();
    changed.target_condition = sent.body.target_condition.clone().unwrap_or_default().into();
    changed.priority = sent.body.priority.unwrap_or_default();
    changed.metrics = sent.metrics.clone();
    changed.changed_at = now;
    changed.tag = current.tag.wrapping_add(1);
    check::target(changed.kind, &changed.target_condition).map_err(|why| {
        let message = format!("The target condition cannot be read: {why}");
        ServiceError::new(&errors::INVALID_CONFIGURATION_TARGET_CONDITION, message)
    })?;
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, World, header};
    use serde_json::json;

    fn body() -> Value {
        json!({"id": "c1", "labels": {"HostPlatform": "SomeValue"}, "targetCondition": "*", "priority": 5,
            "content": {"deviceContent": {"properties.desired.deviceContent_key": "value"}}})
    }

    fn metrics(count: usize) -> Map<String, Value> {
        (0..count).map(|number| (format!("m{number}"), json!("select deviceId from devices"))).collect()
    }

    async fn put(world: &World, if_match: &str, body: Value) -> Result<Answer, ServiceError> {
        world.call(OPERATION.name, &[("id", "c1")], &[("if-match", if_match)], body).await
    }

    #[tokio::test]
    async fn a_new_configuration_is_answered_as_it_was_recorded() {
        let world = World::new();
        let answer = put(&world, "\"\"", body()).await.unwrap();
        assert_eq!((answer.status, header(&answer, "etag")), (200, Some("\"MQ==\"")));
        let expected = json!({
            "id": "c1", "schemaVersion": null, "labels": {"HostPlatform": "SomeValue"},
            "content": {"deviceContent": {"properties.desired.deviceContent_key": "value"}}, "targetCondition": "*",
            "createdTimeUtc": "2026-01-02T03:04:05.678Z", "lastUpdatedTimeUtc": "2026-01-02T03:04:05.678Z", "priority": 5,
            "systemMetrics": {"results": {}, "queries": {
                "targetedCount": "select deviceId from devices",
                "appliedCount": "select deviceId from devices where configurations.[[c1]].status = 'Applied'"}},
            "metrics": {"results": {}, "queries": {}}, "etag": "MQ==",
        });
        assert_eq!(fixture::json(&answer), expected);
    }

    #[tokio::test]
    async fn a_change_needs_the_etag_and_leaves_the_content() {
        let world = World::new();
        put(&world, "", body()).await.unwrap();
        assert_eq!(put(&world, "", body()).await.unwrap_err().code, &errors::CONFIGURATION_ALREADY_EXISTS);
        let mut other = body();
        other["priority"] = json!(7);
        world.advance(1);
        let changed = fixture::json(&put(&world, "\"MQ==\"", other.clone()).await.unwrap());
        assert_eq!((&changed["priority"], &changed["etag"]), (&json!(7), &json!("Mg==")));
        assert_ne!(changed["createdTimeUtc"], changed["lastUpdatedTimeUtc"]);
        assert_eq!(put(&world, "\"MQ==\"", other.clone()).await.unwrap_err().code, &errors::PRECONDITION_FAILED);
        other["content"]["deviceContent"]["properties.desired.deviceContent_key"] = json!("other");
        assert_eq!(put(&world, "*", other).await.unwrap_err().code, &errors::CANNOT_MODIFY_CONFIGURATION_CONTENT);
    }

    #[tokio::test]
    async fn what_cannot_be_rolled_out_is_refused_by_its_own_code() {
        let world = World::new();
        let with = |field: &str, value: Value| {
            let mut changed = body();
            changed[field] = value;
            changed
        };
        for (body, code) in [
            (with("id", json!("c2")), &errors::ARGUMENT_INVALID),
            (with("content", json!({})), &errors::INVALID_CONFIGURATION_CONTENT),
            (with("content", json!(null)), &errors::INVALID_CONFIGURATION_CONTENT),
            (with("targetCondition", json!("tags.")), &errors::INVALID_CONFIGURATION_TARGET_CONDITION),
            (with("metrics", json!({"queries": {"m": "select"}})), &errors::INVALID_CONFIGURATION_METRICS_QUERY),
            (with("metrics", json!({"queries": metrics(21)})), &errors::INVALID_CONFIGURATION_METRICS_QUERY),
            (with("content", json!({"deviceContent": {"tags.a": 1}})), &errors::INVALID_CONFIGURATION_CONTENT),
            (with("priority", json!("high")), &errors::ARGUMENT_INVALID),
            (with("labels", json!({"a": 1})), &errors::ARGUMENT_INVALID),
        ] {
            assert_eq!(put(&world, "", body.clone()).await.unwrap_err().code, code, "{body}");
        }
        assert_eq!(put(&world, "*", body()).await.unwrap_err().code, &errors::CONFIGURATION_NOT_FOUND);
        assert_eq!(world.hub.configurations.count(""), 0);
    }

    #[tokio::test]
    async fn a_free_hub_has_ten_configurations_at_most() {
        let world = World::new();
        world.put_hub_properties(json!({})).await;
        let free = world.hub.store.transact(|transaction| {
            let mut record = iolite_resources::Hub::clone(&transaction.get(&world.hub.hubs, World::KEY).unwrap());
            record.sku.name = "F1".to_owned();
            transaction.put(&world.hub.hubs, World::KEY, record);
            Ok::<_, ServiceError>(())
        });
        free.await.unwrap();
        for number in 0..=10 {
            let (id, mut body) = (format!("c{number}"), body());
            body["id"] = json!(id);
            let outcome = world.call(OPERATION.name, &[("id", &id)], &[], body).await;
            let refused = outcome.err().map(|error| error.code);
            assert_eq!(refused, (number == 10).then_some(&errors::CONFIGURATION_COUNT_LIMIT_EXCEEDED));
        }
    }

    #[tokio::test]
    async fn a_hub_has_a_hundred_configurations_at_most() {
        let world = World::new();
        for number in 0..=100 {
            let id = format!("c{number}");
            let mut body = body();
            body["id"] = json!(id);
            let outcome = world.call(OPERATION.name, &[("id", &id)], &[], body).await;
            assert_eq!(outcome.is_ok(), number < 100, "{number}");
        }
    }
}
