//! Gives a provisioning service an X.509 authority, or changes one.
//! Source: 2021-10-15. `isVerified` waives the proof of possession.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_CreateOrUpdate",
    method: Method::Put,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates/{certificateName}"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/certificates/Write" },
    support: Support::Served,
    summary: "Gives a provisioning service an X.509 authority.",
};

/// Answers 200 with the authority.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::put(arm, &|| holder(arm, &request), &request).await
}
