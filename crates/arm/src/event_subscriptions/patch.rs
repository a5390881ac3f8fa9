//! Changes parts of an event subscription.
//! Source: 2022-06-15; the filter and the destination are replaced as a whole. A new address has to agree first.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::change::Change;
use super::document::document;
use super::{find, key, validate};
use crate::Arm;

/// `EventSubscriptions_Update`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_Update",
    method: Method::Patch,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions/{eventSubscriptionName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/write" },
    support: Support::Served,
    summary: "Changes parts of an event subscription of a hub.",
};

/// Answers 201 with the subscription.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let change = Change::of_patch(&request)?;
    let (hub, standing) = find(arm, &request)?;
    let proposed = change.merge(&standing)?;
    validate(arm, &hub, &proposed, Some(&standing)).await?;
    let written = arm.estate.store.transact(|transaction| {
        let (hub, standing) = find(arm, &request)?;
        let mut merged = change.merge(&standing)?;
        // What the webhook was asked about is what it has agreed to.
        merged.endpoint_url.clone_from(&proposed.endpoint_url);
        transaction.put(&arm.estate.event_subscriptions, &key(&hub, &request), merged.clone());
        Ok::<_, ServiceError>(document(&hub, &merged))
    });
    Ok(Answer::json(201, &written.await?))
}
