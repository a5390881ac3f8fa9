//! Makes a consumer group on the built-in endpoint.
//! Source: 2023-06-30 and recorded answers: 200 also for a new one, and for one that is there.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_resources::Hub;

use super::{document, find, known};
use crate::Arm;
use crate::errors::ARGUMENT_INVALID;
use crate::fields::Fields;

/// `IotHubResource_CreateEventHubConsumerGroup`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "IotHubResource_CreateEventHubConsumerGroup",
    method: Method::Put,
    path: groups_path!("/{name}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/eventHubEndpoints/consumerGroups/Write" },
    support: Support::Served,
    summary: "Makes a consumer group on a hub's built-in endpoint.",
};

/// `$Default` and this many more; source: the quotas page.
const MOST: usize = 20;

/// Answers 200 with the group. The body holds the name once more, or nothing (old api-versions); the path decides.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    Fields::of_optional(&request)?;
    let name = request.param("name");
    let answer = arm.estate.store.transact(|transaction| {
        let standing = find(arm, &request)?;
        if let Some(known) = known(&standing, name) {
            return Ok(known);
        }
        check(name, standing.events.consumer_groups.len())?;
        let mut hub = Hub::clone(&standing);
        let created_at = arm.ground.now();
        hub.events.consumer_groups.insert(name.to_owned(), created_at);
        let answer = document(&hub, name, created_at);
        transaction.put(&arm.estate.hubs, &hub.id.name().to_ascii_lowercase(), hub);
        Ok::<_, ServiceError>(answer)
    });
    Ok(Answer::ok(&answer.await?))
}

fn check(name: &str, there: usize) -> Result<(), ServiceError> {
    let is_name = (1..=50).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name {
        let text = format!("'{name}' cannot name a consumer group: 1 to 50 letters, digits, '-', '.' and '_' can.");
        return Err(ServiceError::new(&ARGUMENT_INVALID, text));
    }
    if there >= MOST {
        return Err(ServiceError::new(
            &ARGUMENT_INVALID,
            format!("The endpoint has its {MOST} consumer groups already."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::standing;
    use crate::testing::json;

    #[tokio::test]
    async fn a_group_is_made_once_and_keeps_its_date() {
        let (world, path) = standing().await;
        let path = format!("{path}/readers");
        let first = world.put(&path, json!({"properties": {"name": "readers"}})).await.unwrap();
        world.clock.advance(iolite_kernel::SignedDuration::from_hours(1));
        let second = world.put(&path, json!({})).await.unwrap();
        assert_eq!((first.status, json(&first)), (200, json(&second)));
        assert_eq!(world.arm.estate.hub("hub1").unwrap().events.consumer_groups.len(), 1);
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_refused() {
        let (world, path) = standing().await;
        let error = world.put(&format!("{path}/a%20b"), json!({})).await.unwrap_err();
        assert_eq!(error.code.status, 400);
    }
}
