//! `Configuration_Delete`: removes a configuration.
//!
//! Source: IoT Hub data plane 2021-04-12, and recorded traffic: `If-Match` as for devices; 204. The Node SDK sends none.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Precondition, Request, Right, Service, ServiceError, Support};

use crate::configurations::get;
use crate::{Hub, body, etag, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Configuration_Delete",
    method: Method::Delete,
    path: "/configurations/{id}",
    versions: versions::ALL,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/configurations/delete"],
        rights: &[Right::RegistryWrite, Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Removes a configuration.",
};

/// Removes the configuration, whatever its etag where none is named: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let precondition = body::if_match(&request)?;
    let id = request.param("id");
    let key = ids::device_key(&permit.resource_key(), id);
    hub.store
        .transact(|transaction| {
            let current = transaction.get(&hub.configurations, &key).ok_or_else(|| get::not_found(id))?;
            if precondition != Precondition::None {
                etag::require(&precondition, &current.etag())?;
            }
            transaction.delete(&hub.configurations, &key);
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::errors;
    use crate::fixture::World;

    #[tokio::test]
    async fn a_configuration_goes_under_its_etag() {
        let world = World::new();
        let body = json!({"id": "c1", "content": {"deviceContent": {}}});
        world.call("Configuration_CreateOrUpdate", &[("id", "c1")], &[], body).await.unwrap();
        let stale = [("if-match", "\"OQ==\"")];
        let error = world.call(OPERATION.name, &[("id", "c1")], &stale, None).await.unwrap_err();
        assert_eq!(error.code, &errors::PRECONDITION_FAILED);
        let answer = world.call(OPERATION.name, &[("id", "c1")], &[("if-match", "\"MQ==\"")], None).await.unwrap();
        assert_eq!(answer, Answer::no_content());
        let again = world.call(OPERATION.name, &[("id", "c1")], &[("if-match", "*")], None).await.unwrap_err();
        assert_eq!(again.code, &errors::CONFIGURATION_NOT_FOUND);
    }

    #[tokio::test]
    async fn a_configuration_goes_where_no_etag_is_named() {
        let world = World::new();
        let body = json!({"id": "c1", "content": {"deviceContent": {}}});
        world.call("Configuration_CreateOrUpdate", &[("id", "c1")], &[], body).await.unwrap();
        let answer = world.call(OPERATION.name, &[("id", "c1")], &[], None).await.unwrap();
        assert_eq!(answer, Answer::no_content());
        assert!(world.call("Configuration_Get", &[("id", "c1")], &[], None).await.is_err());
    }
}
