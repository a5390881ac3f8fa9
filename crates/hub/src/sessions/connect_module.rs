//! `Module_Connect`: a module opens a session over MQTT or AMQP.
//!
//! An operation of sessions, as for devices.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Module_Connect",
    method: Method::Get,
    path: "/devices/{id}/modules/{mid}",
    versions: ApiVersions::Unversioned,
    need: Need::OwnDevice { device: "id", module: Some("mid") },
    support: Support::Served,
    summary: "Connects a module over MQTT or AMQP.",
};
