//! Verifies an authority: takes a certificate that it issued, named after the verification code.
//! Source: 2023-06-30; 400053 for a proof that fails is recorded.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `Certificates_Verify`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Certificates_Verify",
    method: Method::Post,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/certificates/{certificateName}/verify"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/certificates/verify/Action" },
    support: Support::Served,
    summary: "Verifies an X.509 authority of a hub by a proof of possession.",
};

/// Answers 200 with the authority, verified.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::verify(arm, &|| holder(arm, &request), &request).await
}
