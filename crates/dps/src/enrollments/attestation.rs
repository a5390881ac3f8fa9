//! Shows the attestation of an individual enrolment with its symmetric keys.
//!
//! A POST, so that reading keys can be allowed apart from reading enrolments: its data action ends in `/action`, which
//! the Data Reader role does not have. Source: the 2021-10-01 specification and recordings of 2023. Its SAS right is
//! undocumented; EnrollmentWrite is taken, see docs/quirks.md.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::{Dps, errors, identifier, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_GetAttestationMechanism",
    method: Method::Post,
    path: "/enrollments/{id}/attestationmechanism",
    versions: versions::ATTESTATION_DETAILS,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/attestationmechanism/details/action"],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Shows the attestation of an individual enrolment with its symmetric keys.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let key = identifier::key(&permit.resource_key(), request.param("id"));
    let found = dps.enrollments.get(&key).ok_or_else(errors::enrollment_not_found)?;
    Ok(Answer::ok(&found.terms.attestation.view(Keys::Shown)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn keys_are_shown() {
        let world = World::new();
        let made = world.enroll("thing").await;
        let shown = world.ok(&OPERATION, run, "id=thing", json!(null)).await;
        assert!(shown["symmetricKey"]["primaryKey"].is_string());
        assert_eq!(shown, made["attestation"]);
    }
}
