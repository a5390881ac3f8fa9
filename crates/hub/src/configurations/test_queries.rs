//! `Configuration_TestQueries`: whether a target condition and metrics can be read.
//!
//! Source: IoT Hub data plane 2021-04-12. What can be read has no entry in the answer.

use std::collections::BTreeMap;

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::{Deserialize, Serialize};

use crate::configuration::ContentKind;
use crate::configurations::check;
use crate::{Hub, body, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_TestQueries",
    method: Method::Post,
    path: "/configurations/testQueries",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/testQueries/action"],
        rights: &[Right::RegistryWrite, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Tells whether a target condition and metric queries can be read.",
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestInput {
    #[serde(default)]
    target_condition: Option<String>,
    #[serde(default)]
    custom_metric_queries: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TestResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    target_condition_error: Option<String>,
    custom_metric_query_errors: BTreeMap<String, String>,
}

/// Answers what cannot be read and why: 200.
pub async fn run(_: &Hub, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let input: TestInput = body::object(&request)?;
    let condition = input.target_condition.unwrap_or_default();
    // The input has no content to tell the kind by; a module configuration's condition names its collection.
    let begins_with_from = condition.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("from"));
    let kind = if begins_with_from { ContentKind::ModuleContent } else { ContentKind::DeviceContent };
    let queries = input.custom_metric_queries.unwrap_or_default();
    Ok(Answer::ok(&TestResponse {
        target_condition_error: check::target(kind, &condition).err(),
        custom_metric_query_errors: queries
            .into_iter()
            .filter_map(|(name, query)| check::metric(&query).err().map(|error| (name, error)))
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World};

    #[tokio::test]
    async fn only_what_cannot_be_read_is_named() {
        let world = World::new();
        let body = json!({"targetCondition": "tags.floor = 1",
            "customMetricQueries": {"good": "select deviceId from devices", "bad": "select"}});
        let answer = fixture::json(&world.call(OPERATION.name, &[], &[], body).await.unwrap());
        assert!(answer.get("targetConditionError").is_none());
        let errors = answer["customMetricQueryErrors"].as_object().unwrap();
        assert_eq!(errors.keys().collect::<Vec<_>>(), ["bad"]);
        let body = json!({"targetCondition": "tags.floor ="});
        let answer = fixture::json(&world.call(OPERATION.name, &[], &[], body).await.unwrap());
        assert!(answer["targetConditionError"].is_string());
        let modules = json!({"targetCondition": "FROM devices.modules WHERE moduleId = 'm'"});
        let answer = fixture::json(&world.call(OPERATION.name, &[], &[], modules).await.unwrap());
        assert!(answer.get("targetConditionError").is_none());
    }
}
