//! Reports what came of an upload; the path names it.
//!
//! The older form: the Node device SDK and .NET's fallback use it.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::report::Report;
use crate::{Hub, versions};

/// `POST /devices/{id}/files/notifications/{correlationId}`.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_UpdateFileUploadStatusByCorrelation",
    method: Method::Post,
    path: "/devices/{id}/files/notifications/{correlationId}",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Reports what came of a file upload, in the older form.",
};

/// Answers 204, as the newer form does.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let report = Report::read(&request)?;
    let (device_id, correlation_id) = (request.param("id"), request.param("correlationId"));
    hub.end_upload(&permit.resource_key(), device_id, correlation_id, &report).await?;
    Ok(Answer::no_content())
}
