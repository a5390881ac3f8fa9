//! `Hub_PutToken`: a token is shown on a connection, for the links to come.
//!
//! An operation of AMQP connections, so that a refused token can be explained. What the token opens, each link decides.

use iolite_kernel::{ApiVersions, Method, Need, Operation, Service, Support};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Hub_PutToken",
    method: Method::Post,
    path: "/$cbs",
    versions: ApiVersions::Unversioned,
    need: Need::Public { because: "the token is judged by itself; what it opens is decided link by link" },
    support: Support::Served,
    summary: "Shows a token on an AMQP connection.",
};
