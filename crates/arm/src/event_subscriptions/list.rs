//! Lists the event subscriptions of a hub.
//! Source: 2022-06-15. All of them are in one page.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use super::document::document;
use crate::Arm;
use crate::hubs::find;

/// `EventSubscriptions_ListByResource`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "EventSubscriptions_ListByResource",
    method: Method::Get,
    path: group_path!(
        "/providers/Microsoft.Devices/IotHubs/{resourceName}/providers/Microsoft.EventGrid/eventSubscriptions"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.EventGrid/eventSubscriptions/read" },
    support: Support::Served,
    summary: "Lists the event subscriptions of a hub.",
};

/// Answers 200 with the subscriptions.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let hub = find(arm, &request)?;
    let all = arm.estate.event_subscriptions.all(&format!("{}/", hub.id.name().to_ascii_lowercase()));
    let value: Vec<_> = all.iter().map(|(_, subscription)| document(&hub, subscription)).collect();
    Ok(Answer::ok(&json!({"value": value})))
}
