//! Makes the code that the proof of possession of an authority's private key is named after.
//! Source: 2021-10-15.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `DpsCertificate_GenerateVerificationCode`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "DpsCertificate_GenerateVerificationCode",
    method: Method::Post,
    path: group_path!(
        "/providers/Microsoft.Devices/provisioningServices/{provisioningServiceName}/certificates/{certificateName}/generateVerificationCode"
    ),
    versions: ApiVersions::AnyDate,
    need: Need::Management {
        action: "Microsoft.Devices/provisioningServices/certificates/generateVerificationCode/Action",
    },
    support: Support::Served,
    summary: "Makes a verification code for an X.509 authority of a provisioning service.",
};

/// Answers 200 with the authority and its code.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::generate_verification_code(arm, &|| holder(arm, &request), &request).await
}
