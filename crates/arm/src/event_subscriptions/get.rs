//! Reads an event subscription.
//! Source: 2022-06-15.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::document::document;
use super::find;
use crate::Arm;

/// `EventSubscriptions_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_Get",
    method: Method::Get,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions/{eventSubscriptionName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/read" },
    support: Support::Served,
    summary: "Reads an event subscription of a hub.",
};

/// Answers 200 with the subscription.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (hub, subscription) = find(arm, &request)?;
    Ok(Answer::ok(&document(&hub, &subscription)))
}
