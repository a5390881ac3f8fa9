//! `Device_AbandonDeviceBoundNotification`: gives a message under lock back over HTTPS.
//!
//! Source: the device SDKs; the refusal is recorded (412 DeviceMessageLockLost).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_messaging::Settlement;

use crate::{Hub, ids, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_AbandonDeviceBoundNotification",
    method: Method::Post,
    path: "/devices/{id}/messages/deviceBound/{lockToken}/abandon",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Gives a cloud-to-device message back.",
};

/// Gives it back: 204, or 412 where the lock is gone.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = ids::device_key(&permit.resource_key(), request.param("id"));
    hub.note_activity(&key);
    hub.settle(&key, request.param("lockToken"), Settlement::Abandon).await?;
    Ok(Answer::no_content())
}
