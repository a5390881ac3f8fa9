//! Deletes an event subscription; what waits for its webhook goes.
//! Source: 2022-06-15. Azure answers 202 and works on; here it is done at once.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::key;
use crate::Arm;
use crate::hubs::find;

/// `EventSubscriptions_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_Delete",
    method: Method::Delete,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions/{eventSubscriptionName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/delete" },
    support: Support::Served,
    summary: "Deletes an event subscription of a hub.",
};

/// Answers 200, or 204 where there was no such subscription.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let deleted = arm.estate.store.transact(|transaction| {
        let hub = find(arm, &request)?;
        let key = key(&hub, &request);
        let stood = transaction.get(&arm.estate.event_subscriptions, &key).is_some();
        transaction.delete(&arm.estate.event_subscriptions, &key);
        Ok::<_, ServiceError>(stood)
    });
    Ok(Answer::empty(if deleted.await? { 200 } else { 204 }))
}
