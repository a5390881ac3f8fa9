//! Verifies an authority: takes a certificate that it issued, named after the verification code.
//! Source: 2021-10-15.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_VerifyCertificate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_VerifyCertificate",
    method: Method::Post,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates/{certificateName}/verify"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/provisioningServices/certificates/verify/Action" },
    support: Support::Served,
    summary: "Verifies an X.509 authority of a provisioning service by a proof of possession.",
};

/// Answers 200 with the authority, verified.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::verify(arm, &|| holder(arm, &request), &request).await
}
