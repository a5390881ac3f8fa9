//! Deletes a hub with all that hangs below it: devices and the rest of its contents, its own identity, and the role assignments
//! at its scope, in one transaction.
//! Source: 2023-06-30. Azure answers 202 and works on; here it is done at once, and 200 tells so.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;
use iolite_store::Transaction;

use super::find;
use crate::errors::DEVICES_PRECONDITION_FAILED;
use crate::etag::{if_match, require};
use crate::{Arm, managed_identity};

/// `IotHubResource_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_Delete",
    method: Method::Delete,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/Delete" },
    support: Support::Served,
    summary: "Deletes a hub and everything in it.",
};

/// Answers 200, or 204 where there was no such hub.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let condition = if_match(&request)?;
    let deleted = arm.estate.store.transact(|transaction| {
        arm.group(&request)?;
        let Ok(hub) = find(arm, &request) else { return Ok(false) };
        require(&condition, Some(hub.revision), &DEVICES_PRECONDITION_FAILED)?;
        remove(arm, transaction, &hub);
        Ok::<_, ServiceError>(true)
    });
    Ok(Answer::empty(if deleted.await? { 200 } else { 204 }))
}

/// Removes a hub and what hangs below it.
pub(crate) fn remove(arm: &Arm, transaction: &mut Transaction<'_>, hub: &Hub) {
    arm.remove_below(transaction, Hub::TYPE, &hub.id);
    managed_identity::remove(arm, transaction, hub.identity.as_ref());
    let key = hub.id.name().to_ascii_lowercase();
    for (subscription, _) in transaction.all(&arm.estate.event_subscriptions, &format!("{key}/")) {
        transaction.delete(&arm.estate.event_subscriptions, &subscription);
    }
    transaction.delete(&arm.estate.hubs, &key);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World, json};

    #[tokio::test]
    async fn everything_below_the_hub_goes_with_it() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/Hub1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "identity": {"type": "SystemAssigned"}});
        let hub = json(&world.put(&path, body).await.unwrap());
        let identity = hub["identity"]["principalId"].as_str().unwrap();
        let role = "/providers/Microsoft.Authorization/roleDefinitions/4fc6c259-987e-4a07-842e-c321cc9d413f";
        let assignment = json!({"properties": {"roleDefinitionId": role, "principalId": CALLER}});
        for (scope, name) in
            [(path.as_str(), "77777777-7777-7777-7777-777777777771"), (GROUP, "77777777-7777-7777-7777-777777777772")]
        {
            let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
            world.put(&path, assignment.clone()).await.unwrap();
        }
        assert_eq!(world.delete(&path).await.unwrap().status, 200);
        assert!(world.arm.estate.hub("hub1").is_none());
        assert!(world.arm.estate.principal(identity).is_none());
        assert_eq!(world.told.emptied.lock().clone(), ["hub1"]);
        assert_eq!(world.arm.book.assignments.count(""), 1, "the one at the group stays");
    }

    #[tokio::test]
    async fn a_hub_that_is_gone_is_no_error() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1");
        assert_eq!(world.delete(&path).await.unwrap().status, 204);
    }
}
