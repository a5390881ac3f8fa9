//! Feedback on cloud-to-device messages: known, and refused by name until messages are built.
//!
//! Source: IoT Hub data plane 2021-04-12.

use iolite_kernel::{Method, Need, Operation, Right, Service, Support};

use crate::versions;

/// Every operation over feedback.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation(
        "CloudToDeviceMessages_ReceiveFeedbackNotification",
        Method::Get,
        "/messages/serviceBound/feedback",
        "Receives feedback on cloud-to-device messages.",
    ),
    operation(
        "CloudToDeviceMessages_CompleteFeedbackNotification",
        Method::Delete,
        "/messages/serviceBound/feedback/{lockToken}",
        "Completes received feedback.",
    ),
    operation(
        "CloudToDeviceMessages_AbandonFeedbackNotification",
        Method::Post,
        "/messages/serviceBound/feedback/{lockToken}/abandon",
        "Gives received feedback back.",
    ),
];

const fn operation(name: &'static str, method: Method, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        service: Service::Hub,
        name,
        method,
        path,
        versions: versions::ALL,
        need: Need::DataPlane {
            actions: &["Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action"],
            rights: &[Right::ServiceConnect],
        },
        support: Support::Refused("Cloud-to-device messages and their feedback are not built yet."),
        summary,
    }
}
