//! `Device_SendDeviceEvent`: telemetry of a device over HTTPS, one message or a batch.
//!
//! Source: the device SDKs (Node `http.ts`, .NET `HttpTransportHandler`, C `iothubtransporthttp`): 204 when it is kept.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::telemetry::https;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_SendDeviceEvent",
    method: Method::Post,
    path: "/devices/{id}/messages/events",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Sends telemetry.",
};

/// Keeps the messages: 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    https::send(hub, &permit, &request).await
}

#[cfg(test)]
mod tests;
