//! Reads an individual enrolment.
//! The answer carries the state of the registration, `unassigned` where the device has not registered yet.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::registration::ServiceView;
use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_Get",
    method: Method::Get,
    path: "/enrollments/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollments/read"],
        rights: &[Right::EnrollmentRead],
    },
    support: Support::Served,
    summary: "Reads an individual enrolment, without its symmetric keys.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = identifier::key(&permit.resource_key(), request.param("id"));
    let found = dps.enrollments.get(&key).ok_or_else(errors::enrollment_not_found)?;
    let registration = dps.registrations.get(&key);
    let state = match &registration {
        Some(registration) => registration.service_view(),
        None => ServiceView::unassigned(&found.registration_id),
    };
    Ok(Answer::ok(&found.answer(Keys::Hidden, Some(state))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn keys_are_not_shown() {
        let world = World::new();
        world.enroll("thing").await;
        let shown = world.ok(&OPERATION, run, "id=thing", json!(null)).await;
        assert_eq!(shown["attestation"], json!({"type": "symmetricKey"}));
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let world = World::new();
        assert_eq!(world.refused(&OPERATION, run, "id=nobody", json!(null)).await, 404_201);
    }

    #[tokio::test]
    async fn a_device_that_has_not_registered_is_unassigned() {
        let world = World::new();
        world.enroll("thing").await;
        let shown = world.ok(&OPERATION, run, "id=THING", json!(null)).await;
        assert_eq!(shown["registrationState"], json!({"registrationId": "thing", "status": "unassigned"}));
    }
}
