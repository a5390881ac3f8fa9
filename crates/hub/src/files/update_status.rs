//! Reports what came of an upload; the body names it.
//!
//! Source: iot-hub-devguide-file-upload and the device SDKs.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::report::Report;
use crate::{Hub, errors, versions};

/// `POST /devices/{id}/files/notifications`.
pub const OPERATION: Operation = Operation {
    service: Service::Hub,
    name: "Device_UpdateFileUploadStatus",
    method: Method::Post,
    path: "/devices/{id}/files/notifications",
    versions: versions::ALL,
    need: Need::OwnDevice { device: "id", module: None },
    support: Support::Served,
    summary: "Reports what came of a file upload.",
};

/// Answers 204; 400015 for a correlation id that is none of the device's open ones, 400016 for one that ran out.
pub async fn run(hub: &Hub, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let report = Report::read(&request)?;
    let Some(correlation_id) = report.correlation_id.as_deref().filter(|id| !id.is_empty()) else {
        return Err(ServiceError::new(&errors::ARGUMENT_NULL, "The body has no correlationId."));
    };
    hub.end_upload(&permit.resource_key(), request.param("id"), correlation_id, &report).await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests;
