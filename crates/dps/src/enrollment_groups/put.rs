//! Creates an enrolment group, or replaces the one that `If-Match` names. The answer is 200 either way, and the only
//! one but `attestationmechanism` that shows symmetric keys.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::enrollment::{self, EnrollmentGroup};
use crate::{Dps, versions};

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
    let found: EnrollmentGroup = enrollment::put(dps, &permit, &request).await?;
    Ok(Answer::ok(&found.answer(Keys::Shown)))
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
