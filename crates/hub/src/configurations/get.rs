//! `Configuration_Get`: one configuration with its metrics.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use iolite_store::Versioned;

use crate::configuration::Configuration;
use crate::configurations::measure::measure;
use crate::{Hub, errors, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_Get",
    method: Method::Get,
    path: "/configurations/{id}",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/read"],
        rights: &[Right::RegistryRead, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Reads a configuration with its metrics.",
};

/// Answers the configuration: 200, or 404 where there is none.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = permit.resource_key();
    let configuration = find(hub, &key, request.param("id"))?;
    Ok(configuration.answer(&measure(hub, &key, &configuration).await?))
}

fn find(hub: &Hub, key: &str, id: &str) -> Result<Versioned<Configuration>, ServiceError> {
    let found = hub.configurations.get(&ids::device_key(key, id));
    found.ok_or_else(|| not_found(id))
}

/// There is no configuration `id`.
pub(super) fn not_found(id: &str) -> ServiceError {
    ServiceError::new(&errors::CONFIGURATION_NOT_FOUND, id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{self, World, named};

    #[tokio::test]
    async fn metrics_are_counted_once_the_configuration_has_stood_for_a_while() {
        let world = World::new();
        for (id, floor) in [("a", 1), ("b", 2), ("c", 1)] {
            world.put_device(id, named(id)).await;
            world.call("Devices_UpdateTwin", &[("id", id)], &[], json!({"tags": {"floor": floor}})).await.unwrap();
        }
        let body = json!({"id": "c1", "content": {"deviceContent": {"properties.desired.x": 1}},
            "targetCondition": "tags.floor = 1",
            "metrics": {"queries": {"second": "select deviceId from devices where tags.floor = 2"}}});
        world.call("Configuration_CreateOrUpdate", &[("id", "c1")], &[], body).await.unwrap();
        let read = || async { fixture::json(&world.call(OPERATION.name, &[("id", "c1")], &[], None).await.unwrap()) };
        assert_eq!(read().await["systemMetrics"]["results"], json!({}));
        world.advance(31);
        let measured = read().await;
        assert_eq!(measured["systemMetrics"]["results"], json!({"targetedCount": 2, "appliedCount": 0}));
        assert_eq!(measured["metrics"]["results"], json!({"second": 1}));
    }

    #[tokio::test]
    async fn an_unknown_configuration_is_refused() {
        let error = World::new().call(OPERATION.name, &[("id", "c1")], &[], None).await.unwrap_err();
        assert_eq!(error.code, &errors::CONFIGURATION_NOT_FOUND);
    }
}
