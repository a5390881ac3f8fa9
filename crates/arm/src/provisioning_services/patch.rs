//! Changes parts of a provisioning service.
//! The specification tells of tags only; properties are taken too. What the body leaves out stays as it is.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_store::Versioned;

use super::change::ServiceChange;
use super::document::document;
use super::find;
use crate::errors::DEVICES_PRECONDITION_FAILED;
use crate::etag::{if_match, require};
use crate::{Arm, location, managed_identity};

/// `IotDpsResource_Update`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_Update",
    method: Method::Patch,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Write" },
    support: Support::Served,
    summary: "Changes a provisioning service's tags, properties, sku or identity.",
};

/// Answers 200 with the service.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = ServiceChange::read(&request)?;
    let condition = if_match(&request)?;
    let written = arm.estate.store.transact(|transaction| {
        let base = find(arm, &request)?;
        require(&condition, Some(base.revision), &DEVICES_PRECONDITION_FAILED)?;
        location::require_same(&base.id, &base.location, change.location.as_deref())?;
        let before = base.identity.as_ref();
        let identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &base.id,
            before,
            change.identity.as_ref(),
            false,
        )?;
        let mut service = change.merge(&base, identity.as_ref(), arm)?;
        service.identity = identity;
        let key = service.id.name().to_ascii_lowercase();
        transaction.put(&arm.estate.provisioning_services, &key, service.clone());
        Ok::<_, ServiceError>(Versioned { revision: transaction.revision(), value: Arc::new(service) })
    });
    Ok(Answer::ok(&document(arm, &written.await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    #[tokio::test]
    async fn tags_change_and_links_stay() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {"iotHubs": [
            {"connectionString": "HostName=h;SharedAccessKeyName=p;SharedAccessKey=k", "location": "westeurope"},
        ]}});
        world.put(&path, body).await.unwrap();
        let answer = world.patch(&path, json!({"tags": {"a": "1"}})).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(json(&answer)["tags"], json!({"a": "1"}));
        assert_eq!(json(&answer)["properties"]["iotHubs"][0]["name"], "h");
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_not_made() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        assert_eq!(world.patch(&path, json!({"tags": {}})).await.unwrap_err().code.status, 404);
    }
}
