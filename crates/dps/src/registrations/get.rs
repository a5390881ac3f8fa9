//! Reads the state of a registration.
//!
//! Source: the 2021-10-01 specification.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "DeviceRegistrationState_Get",
    method: Method::Get,
    path: "/registrations/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/registrationStates/read"],
        rights: &[Right::RegistrationStatusRead],
    },
    support: Support::Served,
    summary: "Reads the state of a registration.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = identifier::key(&permit.resource_key(), request.param("id"));
    let found = dps.registrations.get(&key).ok_or_else(errors::registration_not_found)?;
    Ok(Answer::ok(&found.service_view()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{FIRST_HUB, World, json};

    #[tokio::test]
    async fn the_hub_goes_by_its_own_name() {
        let world = World::new();
        world.enroll("dev-1").await;
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1", json!(null)).await, 404_202);
        world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        let shown = world.ok(&OPERATION, run, "id=Dev-1", json!(null)).await;
        assert_eq!((&shown["assignedHub"], &shown["status"]), (&json!(FIRST_HUB), &json!("assigned")));
        assert!(shown.get("symmetricKey").is_none(), "that is for the device");
    }
}
