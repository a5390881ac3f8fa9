//! `Module_SendModuleEvent`: telemetry of a module over HTTPS, as of a device.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::telemetry::https;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Module_SendModuleEvent",
    method: Method::Post,
    path: "/devices/{id}/modules/{mid}/messages/events",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: Some("mid") },
    support: Support::Served,
    summary: "Sends telemetry of a module.",
};

/// Keeps the messages: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    https::send(hub, &permit, &request).await
}
