//! `Device_ReceiveDeviceBoundNotification`: takes the next message under lock, over HTTPS.
//!
//! Source: the device SDKs (Node `http.ts`, .NET `HttpTransportHandler`): 200 with the message, its properties and its place
//! in headers and the lock in the etag; 204 where none waits.

use iolite_access::Permit;
use iolite_kernel::iso_seven_digits;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use crate::telemetry::https;
use crate::{Hub, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_ReceiveDeviceBoundNotification",
    method: Method::Get,
    path: "/devices/{id}/messages/deviceBound",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Receives a cloud-to-device message.",
};

/// Answers the message: 200, or 204.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = ids::device_key(&permit.resource_key(), request.param("id"));
    hub.note_activity(&key);
    let Some(bound) = hub.receive(&key, None).await? else { return Ok(Answer::no_content()) };
    let answer = Answer::bytes(200, "application/octet-stream", bound.message.body.clone())
        .with_header("etag", format!("\"{}\"", bound.lock_token))
        .with_header("iothub-sequencenumber", bound.sequence_number.to_string())
        .with_header("iothub-enqueuedtime", iso_seven_digits(bound.enqueued_at))
        .with_header("iothub-deliverycount", bound.delivery_count.to_string());
    Ok(https::with_properties(answer, &bound.message))
}

#[cfg(test)]
mod tests;
