//! Deletes an enrolment group, with or without `If-Match`. The states of its registrations go with it; the devices stay
//! in their hubs, as in Azure.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::enrollment::{self, EnrollmentGroup};
use crate::{Dps, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "EnrollmentGroup_Delete",
    method: Method::Delete,
    path: "/enrollmentGroups/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollmentGroups/delete"],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Deletes an enrolment group and the registrations it vouched for; the devices stay in their hubs.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    enrollment::delete::<EnrollmentGroup>(dps, &permit, &request).await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn only_the_groups_own_registrations_go_with_it() {
        let world = World::new();
        world.enroll("alone").await;
        world.device(&register::OPERATION, register::run, "alone", "", json!({})).await;
        world.group("fleet").await;
        world.device(&register::OPERATION, register::run, "one-of-many", "", json!({})).await;
        assert_eq!(world.dps.registrations.count(""), 2);
        assert!(world.run(&OPERATION, run, "id=Fleet", json!(null)).await.is_ok());
        assert_eq!(world.dps.registrations.count(""), 1);
        assert_eq!(world.refused(&OPERATION, run, "id=fleet", json!(null)).await, 404_204);
    }
}
