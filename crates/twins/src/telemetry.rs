//! Telemetry from twins: known, and refused by name until event routes are built.
//!
//! No data action of its own is published for it; writing the twin is what is asked for, unverified.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Telemetry is not built yet: it needs event routes, which are not built either.";

/// Sends telemetry from a twin.
pub const SEND: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_SendTelemetry",
    method: Method::Post,
    path: "/digitaltwins/{id}/telemetry",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Sends telemetry from a twin.",
};

/// Sends telemetry from a component of a twin.
pub const SEND_FROM_COMPONENT: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_SendComponentTelemetry",
    method: Method::Post,
    path: "/digitaltwins/{id}/components/{componentPath}/telemetry",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Sends telemetry from a component of a twin.",
};
