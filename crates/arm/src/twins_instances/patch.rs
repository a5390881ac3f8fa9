//! Changes parts of a Digital Twins instance: tags, identity, network access.
//! Source: 2023-01-31. What the body leaves out stays as it is.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::change::InstanceChange;
use super::document::document;
use super::find;
use crate::{Arm, location, managed_identity};

/// `DigitalTwins_Update`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DigitalTwins_Update",
    method: Method::Patch,
    path: group_path!("/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{resourceName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.DigitalTwins/digitalTwinsInstances/write" },
    support: Support::Served,
    summary: "Changes a Digital Twins instance's tags, properties or identity.",
};

/// Answers 200 with the instance.
pub(crate) async fn run(arm: &Arm, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = InstanceChange::read(&request)?;
    let changed = arm.estate.store.transact(|transaction| {
        let base = find(arm, &request)?;
        location::require_same(&base.id, &base.location, change.location.as_deref())?;
        let mut instance = change.merge(&base);
        let before = base.identity.as_ref();
        instance.identity = managed_identity::apply(
            arm,
            permit.caller(),
            transaction,
            &base.id,
            before,
            change.identity.as_ref(),
            false,
        )?;
        instance.changed_at = arm.ground.now();
        transaction.put(&arm.estate.twins_instances, &instance.id.name().to_ascii_lowercase(), instance.clone());
        Ok::<_, ServiceError>(instance)
    });
    Ok(Answer::ok(&document(arm, &changed.await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{GROUP, WORKLOAD, World, json};

    #[tokio::test]
    async fn what_the_body_leaves_out_stays() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        let body =
            json!({"location": "westeurope", "tags": {"a": "1"}, "properties": {"publicNetworkAccess": "Disabled"}});
        world.put(&path, body).await.unwrap();
        world.clock.advance(iolite_kernel::SignedDuration::from_secs(60));
        world.make_contributor(WORKLOAD).await;
        let identity = json!({"type": "UserAssigned", "userAssignedIdentities": {WORKLOAD: {}}});
        let changed = json(&world.patch(&path, json!({"identity": identity})).await.unwrap());
        assert_eq!(changed["tags"], json!({"a": "1"}));
        assert_eq!(changed["properties"]["publicNetworkAccess"], "Disabled");
        assert_eq!(changed["identity"]["type"], "UserAssigned");
        assert_eq!(changed["properties"]["lastUpdatedTime"], "2026-11-22T12:01:00.0000000Z");
        assert_eq!(changed["properties"]["createdTime"], "2026-11-22T12:00:00.0000000Z");
    }

    #[tokio::test]
    async fn an_instance_that_is_not_there_is_not_made() {
        let world = World::new().await;
        let path = format!("{GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/twins1");
        assert_eq!(world.patch(&path, json!({"tags": {}})).await.unwrap_err().code.status, 404);
    }
}
