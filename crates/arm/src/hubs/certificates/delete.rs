//! Takes an X.509 authority away from a hub: what it vouched for is turned away from then on.
//! Source: 2023-06-30.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};

use super::holder;
use crate::{Arm, certificates};

/// `Certificates_Delete`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Certificates_Delete",
    method: Method::Delete,
    path: group_path!("/providers/Microsoft.Devices/IotHubs/{resourceName}/certificates/{certificateName}"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Devices/iotHubs/certificates/Delete" },
    support: Support::Served,
    summary: "Takes an X.509 authority away from a hub.",
};

/// Answers 200, or 204 where there was none.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    certificates::delete(arm, &|| holder(arm, &request), &request).await
}
