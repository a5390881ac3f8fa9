//! Deletes an individual enrolment, with or without `If-Match`. The states of its registrations go with it; the devices
//! stay in their hubs, as in Azure.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::enrollment::{self, IndividualEnrollment};
use crate::{Dps, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_Delete",
    method: Method::Delete,
    path: "/enrollments/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollments/delete"],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Deletes an individual enrolment and the registrations it vouched for; the devices stay in their hubs.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    enrollment::delete::<IndividualEnrollment>(dps, &permit, &request).await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{FIRST_HUB, World, json};

    #[tokio::test]
    async fn the_registration_goes_and_the_device_stays() {
        let world = World::new();
        world.enroll("dev-1").await;
        world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        assert!(world.run(&OPERATION, run, "id=DEV-1", json!(null)).await.is_ok());
        assert_eq!((world.dps.registrations.count(""), world.dps.operations.count("")), (0, 0));
        assert!(world.hubs.device(FIRST_HUB, "dev-1").is_some());
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1", json!(null)).await, 404_201);
    }

    #[tokio::test]
    async fn another_tag_deletes_nothing() {
        let world = World::new();
        world.enroll("dev-1").await;
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1&if-match:AAAA", json!(null)).await, 412_001);
        assert_eq!(world.dps.enrollments.count(""), 1);
    }
}
