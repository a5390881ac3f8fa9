//! Lists the X.509 authorities of a provisioning service.
//! Source: 2021-10-15.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_List`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_List",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/certificates/Read" },
    support: Support::Served,
    summary: "Lists a provisioning service's X.509 authorities.",
};

/// Answers 200 with every authority.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::list(arm, &|| holder(arm, &request))
}
