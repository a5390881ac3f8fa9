//! Event routes: known, and refused by name until they are built.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Event routes are not built yet: no event leaves a Digital Twins instance.";

/// Lists the event routes.
pub const LIST: Operation = Operation {
    service: Service::Twins,
    name: "EventRoutes_List",
    method: Method::Get,
    path: "/eventroutes",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/eventroutes/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Lists the event routes.",
};

/// Gets an event route.
pub const GET_BY_ID: Operation = Operation {
    service: Service::Twins,
    name: "EventRoutes_GetById",
    method: Method::Get,
    path: "/eventroutes/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/eventroutes/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Gets an event route.",
};

/// Adds or replaces an event route.
pub const ADD: Operation = Operation {
    service: Service::Twins,
    name: "EventRoutes_Add",
    method: Method::Put,
    path: "/eventroutes/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/eventroutes/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Adds or replaces an event route.",
};

/// Deletes an event route.
pub const DELETE: Operation = Operation {
    service: Service::Twins,
    name: "EventRoutes_Delete",
    method: Method::Delete,
    path: "/eventroutes/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/eventroutes/delete"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Deletes an event route.",
};
