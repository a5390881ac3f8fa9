//! Reads an X.509 authority of a hub.
//! Source: 2023-06-30; names compare without case.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `Certificates_Get`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Certificates_Get",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/certificates/{certificateName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/certificates/Read" },
    support: Support::Served,
    summary: "Reads an X.509 authority of a hub.",
};

/// Answers 200, or 404008.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::get(arm, &|| holder(arm, &request), &request)
}
