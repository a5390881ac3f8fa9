//! `Events_Read`: a link that reads events, or asks for their stream's facts.
//!
//! An operation of AMQP links. Entra tokens are not taken at the Event Hubs-compatible endpoint (control-access-to-iot-hub),
//! so there is no data action: the door refuses them before access is asked.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Right, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Events_Read",
    method: Method::Get,
    path: "/messages/events",
    versions: ApiVersions::Unversioned,
    need: Need::DataPlane { actions: &[], rights: &[Right::ServiceConnect] },
    support: Support::Served,
    summary: "Reads events by the Event Hubs protocol.",
};
