//! Reads an X.509 authority of a provisioning service.
//! Source: 2021-10-15; names compare without case.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_Get",
    method: Method::Get,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates/{certificateName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/certificates/Read" },
    support: Support::Served,
    summary: "Reads an X.509 authority of a provisioning service.",
};

/// Answers 200, or 404008.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::get(arm, &|| holder(arm, &request), &request)
}
