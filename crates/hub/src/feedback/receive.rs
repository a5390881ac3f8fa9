//! `CloudToDeviceMessages_ReceiveFeedbackNotification`: takes a batch of feedback under lock.
//!
//! Source: IoT Hub data plane 2021-04-12; 200 with the batch and the lock in the etag, 204 where there is none. A link over
//! AMQP for the same is this operation too.

use iolite_access::Permit;
use iolite_kernel::iso_seven_digits;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::notifications::NoticeQueue;
use crate::{Hub, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "CloudToDeviceMessages_ReceiveFeedbackNotification",
    method: Method::Get,
    path: "/messages/serviceBound/feedback",
    versions: versions::WITH_TWINS_AND_FEEDBACK,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Receives feedback on cloud-to-device messages.",
};

/// Answers the oldest free batch: 200, or 204.
pub async fn run(hub: &Hub, permit: Permit, _: Request) -> Result<Answer, ServiceError> {
    let taken = hub.take_notice(&permit.resource_key(), NoticeQueue::Feedback).await?;
    let Some(notice) = taken else { return Ok(Answer::no_content()) };
    Ok(Answer::bytes(200, notice.content_type, notice.body)
        .with_header("etag", format!("\"{}\"", notice.lock_token))
        .with_header("iothub-enqueuedtime", iso_seven_digits(notice.enqueued_at))
        .with_header("iothub-sequencenumber", notice.sequence_number.to_string())
        .with_header("iothub-deliverycount", notice.delivery_count.to_string())
        .with_header("iothub-userid", notice.user_id))
}
