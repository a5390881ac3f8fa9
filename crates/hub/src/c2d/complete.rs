//! `Device_CompleteDeviceBoundNotification`: ends a message under lock over HTTPS, for good or, with `?reject`, refused.
//!
//! Source: the device SDKs; the refusal is recorded (412 DeviceMessageLockLost).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_messaging::Settlement;

use crate::{Hub, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_CompleteDeviceBoundNotification",
    method: Method::Delete,
    path: "/devices/{id}/messages/deviceBound/{lockToken}",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Completes or rejects a cloud-to-device message.",
};

/// Ends it: 204, or 412 where the lock is gone.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = ids::device_key(&permit.resource_key(), request.param("id"));
    hub.note_activity(&key);
    let settlement = if request.query("reject").is_some() { Settlement::Reject } else { Settlement::Complete };
    hub.settle(&key, request.param("lockToken"), settlement).await?;
    Ok(Answer::no_content())
}
