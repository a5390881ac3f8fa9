//! Tells a device how its registration is getting on. The assignment is done before `register` answers, so the first
//! poll has the end of it.
//!
//! Source: `RuntimeRegistration_OperationStatusLookup` of the device specification of 2021-10-01. One SDK sends a body
//! of `{}` with this GET; it is not looked at.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Operation, Request, Service, ServiceError, Support};
use serde::Serialize;

use super::{NEED, registrant};
use crate::registration::DeviceView;
use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "RuntimeRegistration_OperationStatusLookup",
    method: Method::Get,
    path: "/{idScope}/registrations/{registrationId}/operations/{operationId}",
    versions: versions::DEVICE,
    need: NEED,
    support: Support::Served,
    summary: "Tells a device how its registration is getting on.",
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationStatus<'a> {
    operation_id: &'a str,
    status: &'static str,
    registration_state: DeviceView<'a>,
}

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let registrant = registrant(&permit, &request)?;
    let registration = identifier::key(&permit.resource_key(), &registrant.registration_id);
    let key = format!("{registration}/{}", request.param("operationId"));
    let found = dps
        .operations
        .get(&key)
        .ok_or_else(|| ServiceError::new(&errors::OPERATION_NOT_FOUND, "Operation not found."))?;
    Ok(Answer::ok(&OperationStatus {
        operation_id: &found.operation_id,
        status: found.registration.status(),
        registration_state: found.registration.device_view(&*dps.dial),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn the_first_poll_has_the_end() {
        let world = World::new();
        world.enroll("dev-1").await;
        let (_, accepted) = world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        let id = accepted["operationId"].as_str().unwrap();
        let (status, told) = world.device(&OPERATION, run, "dev-1", id, json!({})).await;
        assert_eq!((status, &told["status"], &told["operationId"]), (200, &json!("assigned"), &json!(id)));
        let state = &told["registrationState"];
        assert_eq!(state["assignedHub"], "localhost");
        assert_eq!(state["deviceId"], "dev-1");
        assert_eq!(state["substatus"], "initialAssignment");
        assert_eq!(state["symmetricKey"], json!({}));
    }

    #[tokio::test]
    async fn another_devices_operation_is_not_found() {
        let world = World::new();
        world.enroll("dev-1").await;
        world.enroll("dev-2").await;
        let (_, accepted) = world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        let id = accepted["operationId"].as_str().unwrap();
        assert_eq!(world.device_refused(&OPERATION, run, "dev-2", id, json!({})).await, 404_203);
    }
}
