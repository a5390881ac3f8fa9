//! Components of twins on their own: known, and refused by name until they are built. A twin's GET, PUT and PATCH reach
//! its components already.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Components are not served on their own yet: read and patch them through their twin.";

/// Gets a component of a twin.
pub const GET: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_GetComponent",
    method: Method::Get,
    path: "/digitaltwins/{id}/components/{componentPath}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Gets a component of a twin.",
};

/// Changes the properties of a component.
pub const UPDATE: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_UpdateComponent",
    method: Method::Patch,
    path: "/digitaltwins/{id}/components/{componentPath}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Changes the properties of a component.",
};
