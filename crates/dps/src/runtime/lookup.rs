//! Tells a device its own registration.
//!
//! Source: `RuntimeRegistration_DeviceRegistrationStatusLookup` of the device specification of 2021-10-01.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Operation, Request, Service, ServiceError, Support};

use super::{NEED, read_body, registrant};
use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "RuntimeRegistration_DeviceRegistrationStatusLookup",
    method: Method::Post,
    path: "/{idScope}/registrations/{registrationId}",
    versions: versions::DEVICE,
    need: NEED,
    support: Support::Served,
    summary: "Tells a device its own registration.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    read_body(&request)?;
    let registrant = registrant(&permit, &request)?;
    let key = identifier::key(&permit.resource_key(), &registrant.registration_id);
    let found = dps.registrations.get(&key).ok_or_else(errors::registration_not_found)?;
    Ok(Answer::ok(&found.device_view(&*dps.dial)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn a_device_is_told_the_hub_that_it_can_dial() {
        let world = World::new();
        world.enroll("dev-1").await;
        assert_eq!(world.device_refused(&OPERATION, run, "dev-1", "", json!({})).await, 404_202);
        world.device(&register::OPERATION, register::run, "dev-1", "", json!({"registrationId": "dev-1"})).await;
        let (status, told) = world.device(&OPERATION, run, "dev-1", "", json!({"registrationId": "dev-1"})).await;
        assert_eq!((status, &told["assignedHub"], &told["status"]), (200, &json!("localhost"), &json!("assigned")));
    }
}
