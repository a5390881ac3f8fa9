//! Writes or deletes up to ten individual enrolments. Each succeeds or fails by itself, and the answer is 200 even
//! where all fail.
//!
//! Source: the 2021-10-01 specification and recordings of 2023. Mode `update` replaces only what the item's tag names:
//! an item without one is a conflict where the enrolment is there (recorded). Both data actions are asked for in every
//! mode, as the hub's documented rule for bulk operations has it; see docs/quirks.md.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bulk::Mode;
use crate::enrollment::{self, IndividualEnrollment};
use crate::{Dps, body, versions};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkRequest {
    enrollments: Vec<Box<RawValue>>,
    mode: Mode,
}

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_RunBulkOperation",
    method: Method::Post,
    path: "/enrollments",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &[
            "Microsoft.Devices/provisioningServices/enrollments/write",
            "Microsoft.Devices/provisioningServices/enrollments/delete",
        ],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Writes or deletes up to ten individual enrolments; each succeeds or fails by itself.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let sent: BulkRequest = body::read(&request)?;
    enrollment::many::<IndividualEnrollment>(dps, &permit, &request, (sent.mode, &sent.enrollments)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    fn items(ids: &[&str]) -> serde_json::Value {
        let item = |id: &&str| json!({"registrationId": id, "attestation": {"type": "symmetricKey"}});
        json!(ids.iter().map(item).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_recorded_sequence_is_answered_as_recorded() {
        let world = World::new();
        let done = json!({"errors": [], "isSuccessful": true});
        let ask = async |mode: &str| {
            let body = json!({"enrollments": items(&["dev-1", "dev-2"]), "mode": mode});
            world.ok(&OPERATION, run, "", body).await
        };
        assert_eq!(ask("create").await, done);
        let conflicts = ask("update").await;
        assert_eq!(conflicts["isSuccessful"], false);
        assert_eq!(
            conflicts["errors"][1],
            json!({"registrationId": "dev-2", "errorCode": 409_201, "errorStatus": "Enrollment already exists."})
        );
        assert_eq!(ask("delete").await, done);
        assert_eq!(ask("delete").await["errors"][0]["errorCode"], 404_201);
    }

    #[tokio::test]
    async fn each_item_succeeds_or_fails_by_itself() {
        let world = World::new();
        world.enroll("dev-1").await;
        let body = json!({"enrollments": items(&["dev-1", "dev-2", "bad id"]), "mode": "create"});
        let answer = world.ok(&OPERATION, run, "", body).await;
        let numbers: Vec<_> =
            answer["errors"].as_array().unwrap().iter().map(|error| error["errorCode"].clone()).collect();
        assert_eq!(numbers, [409_201, 400_202]);
        assert_eq!(world.dps.enrollments.count(""), 2);
    }

    #[tokio::test]
    async fn tags_are_looked_at_in_update_modes() {
        let world = World::new();
        let made = world.enroll("dev-1").await;
        let ask = async |mode: &str, etag: serde_json::Value| {
            let mut list = items(&["dev-1"]);
            list[0]["etag"] = etag;
            world.ok(&OPERATION, run, "", json!({"enrollments": list, "mode": mode})).await
        };
        assert_eq!(ask("updateIfMatchETag", json!(null)).await["errors"][0]["errorCode"], 400_004);
        for mode in ["updateIfMatchETag", "updateIfMatchEtag"] {
            assert_eq!(ask(mode, json!("AAAA")).await["errors"][0]["errorCode"], 412_001, "{mode}");
        }
        assert_eq!(ask("update", made["etag"].clone()).await["isSuccessful"], true);
    }

    #[tokio::test]
    async fn too_many_or_repeated_items_are_refused_whole() {
        let world = World::new();
        let ids: Vec<String> = (0..11).map(|number| format!("dev-{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        for (ids, number) in [(ids.as_slice(), 400_205), (["dev-1", "DEV-1"].as_slice(), 400_206)] {
            let body = json!({"enrollments": items(ids), "mode": "create"});
            assert_eq!(world.refused(&OPERATION, run, "", body).await, number);
        }
        let unknown = json!({"enrollments": items(&["dev-1"]), "mode": "replace"});
        assert_eq!(world.refused(&OPERATION, run, "", unknown).await, 400_012);
        assert_eq!(world.dps.enrollments.count(""), 0);
    }
}
