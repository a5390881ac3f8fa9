//! `Configuration_GetConfigurations`: the configurations of a hub.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic. There are a hundred at most, so there is no paging.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::configurations::measure::measure;
use crate::{Hub, body, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_GetConfigurations",
    method: Method::Get,
    path: "/configurations",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/read"],
        rights: &[Right::RegistryRead, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Lists the configurations of a hub.",
};

/// How many configurations are listed at most; a hub cannot have more.
const MOST: usize = 100;

/// Answers the configurations in the order of their ids: 200 with a bare array.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let top = body::count("top", request.query("top"), MOST, MOST)?;
    let key = permit.resource_key();
    let configurations = hub.configurations.page(&format!("{key}/"), None, top);
    let mut measured = Vec::with_capacity(configurations.len());
    for (_, configuration) in &configurations {
        measured.push((configuration, measure(hub, &key, configuration).await?));
    }
    let items: Vec<_> = measured.iter().map(|(configuration, measurement)| configuration.view(measurement)).collect();
    Ok(Answer::ok(&items))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World};

    #[tokio::test]
    async fn configurations_are_listed_as_a_bare_array() {
        let world = World::new();
        for id in ["c2", "c1"] {
            let body = json!({"id": id, "content": {"modulesContent": {}}, "targetCondition": "tags.a = 1"});
            world.call("Configuration_CreateOrUpdate", &[("id", id)], &[], body).await.unwrap();
        }
        let listed = fixture::json(&world.call(OPERATION.name, &[], &[], None).await.unwrap());
        assert_eq!((&listed[0]["id"], &listed[1]["id"]), (&json!("c1"), &json!("c2")));
        assert_eq!(
            listed[0]["systemMetrics"]["queries"]["targetedCount"],
            "select deviceId from devices where capabilities.iotEdge = true and (tags.a = 1)"
        );
        let mut request = fixture::request(&[], &[], Vec::new());
        request.query.push(("top".into(), "1".into()));
        let first = fixture::json(&world.send(OPERATION.name, request).await.unwrap());
        assert_eq!(first.as_array().unwrap().len(), 1);
    }
}
