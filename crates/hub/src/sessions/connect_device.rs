//! `Device_Connect`: a device opens a session over MQTT or AMQP.
//!
//! An operation of sessions: it is decided and logged like any request, and the router knows nothing of it.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_Connect",
    method: Method::Get,
    path: "/devices/{id}",
    versions: ApiVersions::Unversioned,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Connects a device over MQTT or AMQP.",
};
