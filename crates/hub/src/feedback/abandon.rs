//! `CloudToDeviceMessages_AbandonFeedbackNotification`: gives a batch of feedback under lock back.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use iolite_messaging::Settlement;

use crate::notifications::NoticeQueue;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "CloudToDeviceMessages_AbandonFeedbackNotification",
    method: Method::Post,
    path: "/messages/serviceBound/feedback/{lockToken}/abandon",
    versions: versions::WITH_TWINS_AND_FEEDBACK,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Gives received feedback back.",
};

/// Gives it back: 204, or 412 where the lock is gone.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let (key, token) = (permit.resource_key(), request.param("lockToken"));
    hub.settle_notice(&key, NoticeQueue::Feedback, token, Settlement::Abandon).await?;
    Ok(Answer::no_content())
}
