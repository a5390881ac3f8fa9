//! `CloudToDeviceMessages_Send`: a link that sends messages to devices.
//!
//! An operation of AMQP links. Source: the permissions reference of Microsoft.Devices, iot-hub-devguide-messages-c2d.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Right, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "CloudToDeviceMessages_Send",
    method: Method::Post,
    path: "/messages/devicebound",
    versions: ApiVersions::Unversioned,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/cloudToDeviceMessages/send/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Sends messages to devices, over AMQP.",
};
