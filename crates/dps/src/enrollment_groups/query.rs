//! Lists enrolment groups, a page at a time, without their symmetric keys.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::{Dps, paging, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "EnrollmentGroup_Query",
    method: Method::Post,
    path: "/enrollmentGroups/query",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollmentGroups/read"],
        rights: &[Right::EnrollmentRead],
    },
    support: Support::Served,
    summary: "Lists enrolment groups, a page at a time.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    paging::check_query(&request, "enrollmentGroups")?;
    let prefix = format!("{}/", permit.resource_key());
    let page = paging::page(&request, &dps.groups, &prefix, &format!("enrollmentGroups/{prefix}"), |_| true)?;
    let shown: Vec<_> = page.items.iter().map(|found| found.answer(Keys::Hidden)).collect();
    Ok(paging::answer(&page, &shown, "EnrollmentGroup"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn groups_are_listed_without_their_keys() {
        let world = World::new();
        world.enroll("dev-1").await;
        world.group("fleet").await;
        let listed = world.ok(&OPERATION, run, "", json!({"query": "SELECT * FROM enrollmentGroups"})).await;
        assert_eq!(listed[0]["enrollmentGroupId"], "fleet");
        assert_eq!(listed[0]["attestation"], json!({"type": "symmetricKey"}));
        assert_eq!(listed.as_array().unwrap().len(), 1);
    }
}
