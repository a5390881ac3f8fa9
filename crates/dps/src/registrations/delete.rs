//! Deletes the state of a registration; the device stays in its hub, and registers as if for the first time.
//!
//! Source: the 2021-10-01 specification.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Dps, entity_tag, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "DeviceRegistrationState_Delete",
    method: Method::Delete,
    path: "/registrations/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/registrationStates/delete"],
        rights: &[Right::RegistrationStatusWrite],
    },
    support: Support::Served,
    summary: "Deletes the state of a registration; the device stays in its hub.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let asked = entity_tag::if_match(&request)?;
    let key = identifier::key(&permit.resource_key(), request.param("id"));
    dps.store()
        .transact(|transaction| {
            let current = transaction.get(&dps.registrations, &key);
            let tag = current.as_ref().map(|found| found.etag.as_str());
            entity_tag::admit_delete(&asked, tag, errors::registration_not_found)?;
            dps.forget_registration(transaction, &key);
            Ok::<_, ServiceError>(())
        })
        .await?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn the_state_goes_and_the_enrolment_stays() {
        let world = World::new();
        world.enroll("dev-1").await;
        world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1&if-match:AAAA", json!(null)).await, 412_001);
        assert!(world.run(&OPERATION, run, "id=dev-1", json!(null)).await.is_ok());
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1", json!(null)).await, 404_202);
        assert_eq!((world.dps.enrollments.count(""), world.dps.operations.count("")), (1, 0));
    }
}
