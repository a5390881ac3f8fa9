//! Tells the whole address that an event subscription delivers to.
//! Source: 2022-06-15; the other answers leave the query out, which often holds a key.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::find;
use crate::Arm;

/// `EventSubscriptions_GetFullUrl`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_GetFullUrl",
    method: Method::Post,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions/{eventSubscriptionName}/getFullUrl"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/getFullUrl/action" },
    support: Support::Served,
    summary: "Tells the whole address of an event subscription's webhook.",
};

/// Answers 200 with the address.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (_, subscription) = find(arm, &request)?;
    Ok(Answer::ok(&json!({"endpointUrl": subscription.endpoint_url.reveal()})))
}
