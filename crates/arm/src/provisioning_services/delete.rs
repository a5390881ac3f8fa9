//! Deletes a provisioning service with all that hangs below it, in one transaction.
//! Source: 2022-12-12. Azure answers 202 and works on; here it is done at once, and 200 tells so.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::ProvisioningService;
use iolite_store::Transaction;

use super::find;
use crate::errors::DEVICES_PRECONDITION_FAILED;
use crate::etag::{if_match, require};
use crate::{Arm, managed_identity};

/// `IotDpsResource_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotDpsResource_Delete",
    method: Method::Delete,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/Delete" },
    support: Support::Served,
    summary: "Deletes a provisioning service and everything in it.",
};

/// Answers 200, or 204 where there was no such service.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let condition = if_match(&request)?;
    let deleted = arm.estate.store.transact(|transaction| {
        arm.group(&request)?;
        let Ok(service) = find(arm, &request) else { return Ok(false) };
        require(&condition, Some(service.revision), &DEVICES_PRECONDITION_FAILED)?;
        remove(arm, transaction, &service);
        Ok::<_, ServiceError>(true)
    });
    Ok(Answer::empty(if deleted.await? { 200 } else { 204 }))
}

/// Removes a provisioning service and what hangs below it.
pub(crate) fn remove(arm: &Arm, transaction: &mut Transaction<'_>, service: &ProvisioningService) {
    arm.remove_below(transaction, ProvisioningService::TYPE, &service.id);
    managed_identity::remove(arm, transaction, service.identity.as_ref());
    transaction.delete(&arm.estate.provisioning_services, &service.id.name().to_ascii_lowercase());
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Method;
    use serde_json::json;

    use crate::testing::{GROUP, World};

    #[tokio::test]
    async fn a_service_goes_with_its_identity() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.Devices/provisioningServices/dps1");
        let body = json!({"location": "westeurope", "sku": {"name": "S1"}, "properties": {}});
        let mut body = body;
        body["identity"] = json!({"type": "SystemAssigned"});
        let before = world.arm.estate.principals.count("");
        world.put(&path, body).await.unwrap();
        let stale = [("if-match", "AAAAAAAAAAA=")];
        assert_eq!(world.call(Method::Delete, &path, &stale, None).await.unwrap_err().code.status, 412);
        assert_eq!(world.delete(&path).await.unwrap().status, 200);
        assert_eq!(world.arm.estate.principals.count(""), before);
        assert_eq!(world.delete(&path).await.unwrap().status, 204);
    }
}
