//! Relationships between twins: known, and refused by name until they are built.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why they are refused.
const REASON: &str = "Relationships are not built yet: this emulator serves models and twins of Azure Digital Twins.";

/// Gets a relationship of a twin.
pub const GET_BY_ID: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_GetRelationshipById",
    method: Method::Get,
    path: "/digitaltwins/{id}/relationships/{relationshipId}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Gets a relationship of a twin.",
};

/// Adds or replaces a relationship of a twin.
pub const ADD: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_AddRelationship",
    method: Method::Put,
    path: "/digitaltwins/{id}/relationships/{relationshipId}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Adds or replaces a relationship of a twin.",
};

/// Changes the properties of a relationship.
pub const UPDATE: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_UpdateRelationship",
    method: Method::Patch,
    path: "/digitaltwins/{id}/relationships/{relationshipId}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/write"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Changes the properties of a relationship.",
};

/// Deletes a relationship of a twin.
pub const DELETE: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_DeleteRelationship",
    method: Method::Delete,
    path: "/digitaltwins/{id}/relationships/{relationshipId}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/delete"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Deletes a relationship of a twin.",
};

/// Lists the relationships that start at a twin.
pub const LIST: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_ListRelationships",
    method: Method::Get,
    path: "/digitaltwins/{id}/relationships",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Lists the relationships that start at a twin.",
};

/// Lists the relationships that end at a twin.
pub const LIST_INCOMING: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_ListIncomingRelationships",
    method: Method::Get,
    path: "/digitaltwins/{id}/incomingrelationships",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/relationships/read"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Lists the relationships that end at a twin.",
};
