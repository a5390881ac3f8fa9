//! Deletes a consumer group of the built-in endpoint.
//! Source: 2023-06-30: 200. `$Default` cannot be deleted.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;

use super::{DEFAULT, find, unknown};
use crate::Arm;
use crate::errors::ARGUMENT_INVALID;

/// `IotHubResource_DeleteEventHubConsumerGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_DeleteEventHubConsumerGroup",
    method: Method::Delete,
    path: groups_path!("/{name}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/eventHubEndpoints/consumerGroups/Delete" },
    support: Support::Served,
    summary: "Deletes a consumer group of a hub's built-in endpoint.",
};

/// Answers 200.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let name = request.param("name");
    if name.eq_ignore_ascii_case(DEFAULT) {
        return Err(ServiceError::new(&ARGUMENT_INVALID, "The consumer group '$Default' cannot be deleted."));
    }
    let deleted = arm.estate.store.transact(|transaction| {
        let mut hub = Hub::clone(&*find(arm, &request)?);
        let before = hub.events.consumer_groups.len();
        hub.events.consumer_groups.retain(|known, _| !known.eq_ignore_ascii_case(name));
        if hub.events.consumer_groups.len() == before {
            return Err(unknown(name));
        }
        transaction.put(&arm.estate.hubs, &hub.id.name().to_ascii_lowercase(), hub);
        Ok(())
    });
    deleted.await?;
    Ok(Answer::empty(200))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::standing;

    #[tokio::test]
    async fn a_group_goes_and_the_default_one_stays() {
        let (world, path) = standing().await;
        world.put(&format!("{path}/readers"), json!({})).await.unwrap();
        assert_eq!(world.delete(&format!("{path}/Readers")).await.unwrap().status, 200);
        assert_eq!(world.delete(&format!("{path}/readers")).await.unwrap_err().code.status, 404);
        assert_eq!(world.delete(&format!("{path}/$Default")).await.unwrap_err().code.status, 400);
    }
}
