//! Lists the X.509 authorities of a hub.
//! Source: 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `Certificates_ListByIotHub`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Certificates_ListByIotHub",
    method: Method::Get,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/certificates"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/certificates/Read" },
    support: Support::Served,
    summary: "Lists a hub's X.509 authorities.",
};

/// Answers 200 with every authority.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::list(arm, &|| holder(arm, &request))
}
