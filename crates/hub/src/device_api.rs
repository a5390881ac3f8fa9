//! The hub's own API for devices over HTTPS: known, and refused by name until messages are built.
//!
//! There is no specification of it; the names are those of the service's REST reference, the paths those of the device
//! SDKs (Node `http.ts`, .NET `HttpTransportHandler`). A device proves itself; Entra tokens are never taken.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

const MESSAGES: &str = "Messages between devices and the hub are not built yet.";

/// Every operation of the device API.
pub(crate) const OPERATIONS: &[Operation] = &[
    operation("Device_SendDeviceEvent", Method::Post, "/devices/{id}/messages/events", "Sends telemetry.", MESSAGES),
    operation(
        "Device_ReceiveDeviceBoundNotification",
        Method::Get,
        "/devices/{id}/messages/deviceBound",
        "Receives a cloud-to-device message.",
        MESSAGES,
    ),
    operation(
        "Device_CompleteDeviceBoundNotification",
        Method::Delete,
        "/devices/{id}/messages/deviceBound/{lockToken}",
        "Completes or rejects a cloud-to-device message.",
        MESSAGES,
    ),
    operation(
        "Device_AbandonDeviceBoundNotification",
        Method::Post,
        "/devices/{id}/messages/deviceBound/{lockToken}/abandon",
        "Gives a cloud-to-device message back.",
        MESSAGES,
    ),
    Operation {
        need: Need::OwnDevice { device: "id", module: Some("mid") },
        ..operation(
            "Module_SendModuleEvent",
            Method::Post,
            "/devices/{id}/modules/{mid}/messages/events",
            "Sends telemetry of a module.",
            MESSAGES,
        )
    },
];

const fn operation(
    name: &'static str,
    method: Method,
    path: &'static str,
    summary: &'static str,
    why: &'static str,
) -> Operation {
    Operation {
        service: Service::Hub,
        name,
        method,
        path,
        versions: versions::ALL,
        need: Need::OwnDevice { device: "id", module: None },
        support: Support::Refused(why),
        summary,
    }
}
