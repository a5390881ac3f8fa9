//! Deletes a resource group with everything in it, in one transaction.
//! Source: 2022-09-01. Azure answers 202 and works on; here it is done at once, and 200 tells so.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::arm::group_key;
use crate::{Arm, hubs, provisioning_services, twins_instances};

/// `ResourceGroups_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "ResourceGroups_Delete",
    method: Method::Delete,
    path: subscription_path!("/resourcegroups/{resourceGroupName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/resourceGroups/delete" },
    support: Support::Served,
    summary: "Deletes a resource group and everything in it.",
};

/// Answers 200, or 404 where there was no such group.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let deleted = arm.estate.store.transact(|transaction| {
        let group = arm.group(&request)?;
        for (_, hub) in transaction.all(&arm.estate.hubs, "") {
            if group.id.covers(&hub.id) {
                hubs::delete::remove(arm, transaction, &hub);
            }
        }
        for (_, service) in transaction.all(&arm.estate.provisioning_services, "") {
            if group.id.covers(&service.id) {
                provisioning_services::delete::remove(arm, transaction, &service);
            }
        }
        for (_, instance) in transaction.all(&arm.estate.twins_instances, "") {
            if group.id.covers(&instance.id) {
                twins_instances::delete::remove(arm, transaction, &instance);
            }
        }
        arm.remove_assignments(transaction, &group.id);
        let key = group_key(request.param("subscriptionId"), request.param("resourceGroupName"));
        transaction.delete(&arm.estate.resource_groups, &key);
        Ok::<_, ServiceError>(())
    });
    deleted.await?;
    Ok(Answer::empty(200))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{CALLER, GROUP, World};

    #[tokio::test]
    async fn everything_in_the_group_goes_with_it() {
        let world = World::new().await;
        let other = GROUP.replace("contoso", "contoso-2");
        world.put(&other, json!({"location": "westeurope"})).await.unwrap();
        let sku = json!({"location": "westeurope", "sku": {"name": "S1"}, "identity": {"type": "SystemAssigned"}});
        for path in [
            format!("{GROUP}/providers/Microsoft.Devices/IotHubs/hub1"),
            format!("{other}/providers/Microsoft.Devices/IotHubs/hub2"),
            format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1"),
            format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1"),
        ] {
            world.put(&path, sku.clone()).await.unwrap();
        }
        let assignment =
            format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/77777777-7777-7777-7777-777777777777");
        let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let body = json!({"properties": {"roleDefinitionId": reader, "principalId": CALLER}});
        world.put(&assignment, body).await.unwrap();

        assert_eq!(world.delete(GROUP).await.unwrap().status, 200);
        let estate = &world.arm.estate;
        assert_eq!(
            (estate.hubs.count(""), estate.provisioning_services.count(""), estate.twins_instances.count("")),
            (1, 0, 0)
        );
        assert_eq!(world.arm.book.assignments.count(""), 0);
        assert_eq!(world.told.emptied.lock().clone(), ["hub1"]);
        assert_eq!(world.delete(GROUP).await.unwrap_err().code.name, "ResourceGroupNotFound");
    }
}
