//! Gives a hub an X.509 authority, or changes one.
//! Source: 2023-06-30; recorded answers are 200 for a new one too. `isVerified` waives the proof of possession.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `Certificates_CreateOrUpdate`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Certificates_CreateOrUpdate",
    method: Method::Put,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/certificates/{certificateName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/certificates/Write" },
    support: Support::Served,
    summary: "Gives a hub an X.509 authority.",
};

/// Answers 200 with the authority.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::put(arm, &|| holder(arm, &request), &request).await
}
