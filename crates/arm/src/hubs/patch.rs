//! Changes parts of a hub.
//! The specification of 2023-06-30 tells of tags only; the service takes properties too, and the switch that denies SAS is
//! thrown this way. What the body leaves out stays as it is.

use std::sync::Arc;

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_store::Versioned;

use super::change::HubChange;
use super::document::document;
use super::find;
use super::put::tell;
use crate::errors::DEVICES_PRECONDITION_FAILED;
use crate::etag::{if_match, require};
use crate::{Arm, location, managed_identity};

/// `IotHubResource_Update`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_Update",
    method: Method::Patch,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Write" },
    support: Support::Served,
    summary: "Changes a hub's tags, properties, sku or identity.",
};

/// Answers 200 with the hub.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = HubChange::read(&request)?;
    let condition = if_match(&request)?;
    let written = arm.estate.store.transact(|transaction| {
        let standing = find(arm, &request)?;
        require(&condition, Some(standing.revision), &DEVICES_PRECONDITION_FAILED)?;
        location::require_same(&standing.id, &standing.location, change.location.as_deref())?;
        let mut hub = change.merge(&standing, arm)?;
        let identity = standing.identity.as_ref();
        hub.identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &hub.id,
            identity,
            change.identity.as_ref(),
            false,
        )?;
        tell(arm, &standing, &hub, permit.decision());
        transaction.put(&arm.estate.hubs, &hub.id.name().to_ascii_lowercase(), hub.clone());
        Ok::<_, ServiceError>(Versioned { revision: transaction.revision(), value: Arc::new(hub) })
    });
    Ok(Answer::ok(&document(arm, &written.await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World, json};

    async fn standing() -> (World, String) {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        let body = json!({
            "location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "tags": {"a": "1"},
            "properties": {"comments": "kept", "disableDeviceSAS": true},
        });
        world.put(&path, body).await.unwrap();
        (world, path)
    }

    #[tokio::test]
    async fn the_switch_is_thrown_and_everything_else_stays() {
        let (world, path) = standing().await;
        let before = world.arm.estate.hub("hub1").unwrap();
        let answer = world.patch(&path, json!({"properties": {"disableLocalAuth": true}})).await.unwrap();
        assert_eq!(answer.status, 200);
        let after = world.arm.estate.hub("hub1").unwrap();
        assert!(after.disable_local_auth && after.disable_device_sas);
        assert_eq!((&after.policies, &after.tags), (&before.policies, &before.tags));
        assert_eq!(after.other_properties["comments"], "kept");
        assert_eq!(world.told.switched.lock().clone(), [("hub1".to_owned(), true)]);
    }

    #[tokio::test]
    async fn tags_are_replaced_as_a_whole() {
        let (world, path) = standing().await;
        world.patch(&path, json!({"tags": {"b": "2"}})).await.unwrap();
        let tags = json(&world.get(&path).await.unwrap())["tags"].clone();
        assert_eq!(tags, json!({"b": "2"}));
    }

    #[tokio::test]
    async fn a_hub_that_is_not_there_is_not_made() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        assert_eq!(world.patch(&path, json!({"tags": {}})).await.unwrap_err().code.name, "ResourceNotFound");
    }
}
