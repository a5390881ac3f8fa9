//! Writes or deletes up to ten enrolment groups. Each succeeds or fails by itself, and the answer is 200 even where all
//! fail.
//!
//! Source: the 2021-10-01 specification and recordings of 2023. Mode `update` replaces only what the item's tag names:
//! an item without one is a conflict where the enrolment is there (recorded). Both data actions are asked for in every
//! mode, as the hub's documented rule for bulk operations has it; see docs/quirks.md.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bulk::Mode;
use crate::enrollment::{self, EnrollmentGroup};
use crate::{Dps, body, versions};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkRequest {
    enrollment_groups: Vec<Box<RawValue>>,
    mode: Mode,
}

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "EnrollmentGroup_RunBulkOperation",
    method: Method::Post,
    path: "/enrollmentGroups",
    versions: versions::GROUP_BULK,
    need: Need::DataPlane {
        actions: &[
            "Microsoft.Devices/provisioningServices/enrollmentGroups/write",
            "Microsoft.Devices/provisioningServices/enrollmentGroups/delete",
        ],
        rights: &[Right::EnrollmentWrite],
    },
    support: Support::Served,
    summary: "Writes or deletes up to ten enrolment groups; each succeeds or fails by itself.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let sent: BulkRequest = body::read(&request)?;
    enrollment::many::<EnrollmentGroup>(dps, &permit, &request, (sent.mode, &sent.enrollment_groups)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn a_recorded_sequence_is_answered_as_recorded() {
        let world = World::new();
        let ask = async |mode: &str| {
            let item = json!({"enrollmentGroupId": "fleet", "attestation": {"type": "symmetricKey"}});
            world.ok(&OPERATION, run, "", json!({"enrollmentGroups": [item], "mode": mode})).await
        };
        let done = json!({"errors": [], "isSuccessful": true});
        assert_eq!(ask("create").await, done);
        let text = "EnrollmentGroup already exists.";
        let conflict = json!({"enrollmentGroupId": "fleet", "errorCode": 409_202, "errorStatus": text});
        assert_eq!(ask("update").await, json!({"errors": [conflict], "isSuccessful": false}));
        assert_eq!(ask("delete").await, done);
        assert_eq!(world.dps.groups.count(""), 0);
    }
}
