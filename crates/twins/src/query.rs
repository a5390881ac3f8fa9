//! The query over the twin graph: known, and refused by name until it is built.

use iolite_kernel::{Method, Need, Operation, Service, Support};

use crate::versions;

/// Why it is refused.
const REASON: &str = "The Digital Twins query language is not built yet: get twins by their ids.";

/// Runs a query over twins and relationships.
pub const QUERY_TWINS: Operation = Operation {
    service: Service::Twins,
    name: "Query_QueryTwins",
    method: Method::Post,
    path: "/query",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/query/action"], rights: &[] },
    support: Support::Refused(REASON),
    summary: "Runs a query over twins and relationships.",
};
