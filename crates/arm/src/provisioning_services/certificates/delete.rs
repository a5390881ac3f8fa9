//! Takes an X.509 authority away from a provisioning service.
//! Source: 2021-10-15; what its query says of the certificate besides its name is not looked at.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_Delete",
    method: Method::Delete,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates/{certificateName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/certificates/Delete" },
    support: Support::Served,
    summary: "Takes an X.509 authority away from a provisioning service.",
};

/// Answers 200, or 204 where there was none.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::delete(arm, &|| holder(arm, &request), &request).await
}
