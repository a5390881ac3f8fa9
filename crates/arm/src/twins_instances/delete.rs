//! Deletes a Digital Twins instance with all that hangs below it, in one transaction.
//! Source: 2023-01-31. Azure answers 202 and works on; here it is done at once, and 200 tells so.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::TwinsInstance;
use iolite_store::Transaction;

use super::find;
use crate::{Arm, managed_identity};

/// `DigitalTwins_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_Delete",
    method: Method::Delete,
    path: group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/digitalTwinsInstances/delete" },
    support: Support::Served,
    summary: "Deletes a Digital Twins instance and everything in it.",
};

/// Answers 200, or 204 where there was no such instance.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let deleted = arm.estate.store.transact(|transaction| {
        arm.group(&request)?;
        let Ok(instance) = find(arm, &request) else { return Ok(false) };
        remove(arm, transaction, &instance);
        Ok::<_, ServiceError>(true)
    });
    Ok(Answer::empty(if deleted.await? { 200 } else { 204 }))
}

/// Removes an instance and what hangs below it.
pub(crate) fn remove(arm: &Arm, transaction: &mut Transaction<'_>, instance: &TwinsInstance) {
    arm.remove_below(transaction, TwinsInstance::TYPE, &instance.id);
    managed_identity::remove(arm, transaction, instance.identity.as_ref());
    transaction.delete(&arm.estate.twins_instances, &instance.id.name().to_ascii_lowercase());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, World};

    #[tokio::test]
    async fn an_instance_goes_with_its_identity() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        let before = world.arm.estate.principals.count("");
        world.put(&path, json!({"location": "westeurope", "identity": {"type": "SystemAssigned"}})).await.unwrap();
        assert_eq!(world.arm.estate.principals.count(""), before + 1);
        assert_eq!(world.delete(&path).await.unwrap().status, 200);
        assert_eq!(world.arm.estate.principals.count(""), before);
        assert_eq!(world.delete(&path).await.unwrap().status, 204);
    }
}
