//! Creates an enrolment group, or replaces the one that `If-Match` names. The answer is 200 either way, and the only
//! one but `attestationmechanism` that shows symmetric keys.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Precondition, Request, Right, Service, ServiceError, Support};
use iolite_store::Transaction;

use crate::attestation::Keys;
use crate::enrollment::EnrollmentGroup;
use crate::{Dps, allocation, body, entity_tag, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "EnrollmentGroup_CreateOrUpdate",
    method: Method::Put,
    path: "/enrollmentGroups/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollmentGroups/write"],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Creates an enrolment group, or replaces the one that If-Match names.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    body::require(&request)?;
    let asked = entity_tag::if_match(&request)?;
    let service = permit.resource_key();
    let sent = Sent { id: request.param("id"), text: &request.body, asked: &asked, api_version: &request.api_version };
    let found = dps.store().transact(|transaction| write(dps, transaction, &service, sent)).await?;
    Ok(Answer::ok(&found.answer(Keys::Shown)))
}

/// One enrolment group to be written.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// The JSON that describes it.
    pub(crate) text: &'a [u8],
    /// What must be there before.
    pub(crate) asked: &'a Precondition,
    /// The version it was written for.
    pub(crate) api_version: &'a str,
}

/// Writes one enrolment group of `service`; also for the items of a bulk operation.
pub(crate) fn write(
    dps: &Dps,
    transaction: &mut Transaction<'_>,
    service: &str,
    sent: Sent<'_>,
) -> Result<EnrollmentGroup, ServiceError> {
    let key = identifier::key(service, sent.id);
    let current = transaction.get(&dps.groups, &key);
    let current = current.as_ref().map(|found| &*found.value);
    let written = EnrollmentGroup::accept(sent.text, sent.id, current, sent.api_version, &dps.ground)?;
    allocation::check_linked(dps, service, &written.terms.settings)?;
    let tag = current.map(|current| current.terms.etag.as_str());
    let conflict = (&errors::ENROLLMENT_GROUP_CONFLICT, "EnrollmentGroup already exists.");
    entity_tag::admit_write(sent.asked, tag, conflict, errors::enrollment_group_not_found)?;
    transaction.put(&dps.groups, &key, written.clone());
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn a_group_is_replaced_only_by_its_tag() {
        let world = World::new();
        let made = world.group("fleet").await;
        let body = json!({"enrollmentGroupId": "fleet", "attestation": {"type": "symmetricKey"}});
        assert_eq!(world.refused(&OPERATION, run, "id=fleet", body.clone()).await, 409_202);
        let given = format!("id=fleet&if-match:{}", made["etag"].as_str().unwrap());
        let again = world.ok(&OPERATION, run, &given, body).await;
        assert_ne!(again["etag"], made["etag"]);
        assert!(again.get("registrationState").is_none());
    }

    #[tokio::test]
    async fn a_group_of_trusted_platform_modules_is_refused() {
        let world = World::new();
        let tpm = json!({"type": "tpm", "tpm": {"endorsementKey": "AToAAQ=="}});
        let body = json!({"enrollmentGroupId": "fleet", "attestation": tpm});
        assert_eq!(world.refused(&OPERATION, run, "id=fleet", body).await, 400_004);
    }
}
