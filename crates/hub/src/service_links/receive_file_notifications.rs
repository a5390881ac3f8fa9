//! `FileUpload_ReceiveNotifications`: a link that hears of finished uploads.
//!
//! An operation of AMQP links. Source: the permissions reference of Microsoft.Devices.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Right, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "FileUpload_ReceiveNotifications",
    method: Method::Get,
    path: "/messages/serviceBound/filenotifications",
    versions: ApiVersions::Unversioned,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/IotHubs/fileUpload/notifications/action"],
        rights: &[Right::ServiceConnect],
    },
    support: Support::Served,
    summary: "Receives word of finished uploads, over AMQP.",
};
