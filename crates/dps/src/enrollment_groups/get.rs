//! Reads an enrolment group.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "EnrollmentGroup_Get",
    method: Method::Get,
    path: "/enrollmentGroups/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollmentGroups/read"],
        rights: &[Right::EnrollmentRead],
    },
    support: Support::Served,
    summary: "Reads an enrolment group, without its symmetric keys.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = identifier::key(&permit.resource_key(), request.param("id"));
    let found = dps.groups.get(&key).ok_or_else(errors::enrollment_group_not_found)?;
    Ok(Answer::ok(&found.answer(Keys::Hidden)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn keys_are_not_shown() {
        let world = World::new();
        world.group("thing").await;
        let shown = world.ok(&OPERATION, run, "id=thing", json!(null)).await;
        assert_eq!(shown["attestation"], json!({"type": "symmetricKey"}));
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let world = World::new();
        assert_eq!(world.refused(&OPERATION, run, "id=nobody", json!(null)).await, 404_204);
    }
}
