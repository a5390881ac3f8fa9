//! Creates an individual enrolment, or replaces the one that `If-Match` names. The answer is 200 either way, and the
//! only one but `attestationmechanism` that shows symmetric keys.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::enrollment::{self, IndividualEnrollment};
use crate::{Dps, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_CreateOrUpdate",
    method: Method::Put,
    path: "/enrollments/{id}",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollments/write"],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Creates an individual enrolment, or replaces the one that If-Match names.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let found: IndividualEnrollment = enrollment::put(dps, &permit, &request).await?;
    Ok(Answer::ok(&found.answer(Keys::Shown, None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    fn body() -> serde_json::Value {
        json!({
            "registrationId": "dev-1", "deviceId": null, "attestation": {"type": "symmetricKey"},
            "provisioningStatus": null, "reprovisionPolicy": null, "iotHubs": null, "allocationPolicy": "static",
        })
    }

    #[tokio::test]
    async fn null_members_are_dropped_and_a_null_status_stays() {
        let world = World::new();
        let made = world.ok(&OPERATION, run, "id=dev-1", body()).await;
        let members: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "allocationPolicy",
            "attestation",
            "createdDateTimeUtc",
            "etag",
            "lastUpdatedDateTimeUtc",
            "provisioningStatus",
            "registrationId",
        ];
        assert_eq!(members, expected);
        assert!(made["provisioningStatus"].is_null());
        assert_eq!(made["createdDateTimeUtc"], "2026-11-22T01:00:00.1234567Z");
    }

    #[tokio::test]
    async fn an_enrolment_is_replaced_only_by_its_tag_without_quotes() {
        let world = World::new();
        let made = world.ok(&OPERATION, run, "id=dev-1", body()).await;
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1", body()).await, 409_201);
        assert_eq!(world.refused(&OPERATION, run, "id=DEV-1&if-match:AAAA", body()).await, 412_001);
        let given = format!("id=dev-1&if-match:{}", made["etag"].as_str().unwrap());
        world.clock.advance(iolite_kernel::SignedDuration::from_secs(5));
        let again = world.ok(&OPERATION, run, &given, body()).await;
        assert_eq!(again["createdDateTimeUtc"], made["createdDateTimeUtc"]);
        assert_ne!(again["lastUpdatedDateTimeUtc"], made["lastUpdatedDateTimeUtc"]);
        assert_eq!(again["attestation"], made["attestation"], "keys left out stay");
        assert_eq!(world.refused(&OPERATION, run, &given, body()).await, 412_001, "the tag was used up");
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_replaced() {
        let world = World::new();
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1&if-match:*", body()).await, 404_201);
    }

    #[tokio::test]
    async fn bad_bodies_are_refused_and_change_nothing() {
        let world = World::new();
        world.link(|_| ()).await;
        let mut cases =
            vec![(400_202, "id=dev-2", body()), (400_000, "id=dev-1", json!(null)), (400_012, "id=dev-1", json!([]))];
        for (member, bad, number) in [
            ("attestation", json!(null), 400_004),
            ("attestation", json!({"type": "magic"}), 400_012),
            ("deviceId", json!("a b"), 400_004),
            ("deviceId", json!(7), 400_012),
            ("iotHubs", json!(["stranger.azure-devices.net"]), 400_004),
            ("allocationPolicy", json!("custom"), 400_004),
            ("credentialPolicyName", json!("policy"), 404_013),
            ("registrationId", json!(null), 400_202),
        ] {
            let mut sent = body();
            sent[member] = bad;
            cases.push((number, "id=dev-1", sent));
        }
        for (number, given, sent) in cases {
            assert_eq!(world.refused(&OPERATION, run, given, sent.clone()).await, number, "{sent}");
        }
        assert_eq!(world.refused(&OPERATION, run, "id=dev-1&content-type:text/plain", body()).await, 415_000);
        assert_eq!(world.dps.enrollments.count(""), 0);
    }

    #[tokio::test]
    async fn a_linked_hub_may_be_named_as_it_is_dialled() {
        let world = World::new();
        world.put_enrollment("dev-1", json!({"iotHubs": ["localhost"], "allocationPolicy": "static"})).await;
        world.put_enrollment("dev-2", json!({"iotHubHostName": crate::testing::FIRST_HUB})).await;
    }
}
