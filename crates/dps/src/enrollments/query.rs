//! Lists individual enrolments, a page at a time, without their symmetric keys and without registration states.
//!
//! Source: the 2021-10-01 specification and recordings of 2023.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::attestation::Keys;
use crate::{Dps, paging, versions};

/// The operation.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "IndividualEnrollment_Query",
    method: Method::Post,
    path: "/enrollments/query",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/enrollments/read"],
        rights: &[Right::EnrollmentRead],
    },
    support: Support::Served,
    summary: "Lists individual enrolments, a page at a time.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    paging::check_query(&request, "enrollments")?;
    let prefix = format!("{}/", permit.resource_key());
    let page = paging::page(&request, &dps.enrollments, &prefix, &format!("enrollments/{prefix}"), |_| true)?;
    let shown: Vec<_> = page.items.iter().map(|found| found.answer(Keys::Hidden, None)).collect();
    Ok(paging::answer(&page, &shown, "Enrollment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, json, value};

    fn header(answer: &Answer, name: &str) -> Option<String> {
        answer.header(name).map(str::to_owned)
    }

    #[tokio::test]
    async fn pages_follow_each_other_and_the_last_has_no_token() {
        let world = World::new();
        for number in 0..5 {
            world.enroll(&format!("dev-{number}")).await;
        }
        let query = json!({"query": "select *"});
        let first = world.run(&OPERATION, run, "x-ms-max-item-count:3", query.clone()).await.unwrap();
        assert_eq!(header(&first, "x-ms-item-type").as_deref(), Some("Enrollment"));
        assert_eq!(value(&first).as_array().unwrap().len(), 3);
        assert_eq!(value(&first)[0]["attestation"], json!({"type": "symmetricKey"}));
        let token = header(&first, "x-ms-continuation").unwrap();
        let rest = world.run(&OPERATION, run, &format!("x-ms-continuation:{token}"), query).await.unwrap();
        let ids: Vec<_> = value(&rest).as_array().unwrap().iter().map(|one| one["registrationId"].clone()).collect();
        assert_eq!(ids, ["dev-3", "dev-4"]);
        assert_eq!(header(&rest, "x-ms-continuation"), None);
    }

    #[tokio::test]
    async fn anything_but_select_star_is_refused() {
        let world = World::new();
        for text in ["SELECT * FROM enrollments", " select  * "] {
            assert_eq!(world.ok(&OPERATION, run, "", json!({"query": text})).await, json!([]));
        }
        for text in ["", "SELECT deviceId", "SELECT * FROM devices", "SELECT * WHERE x = 1", "DROP TABLE"] {
            assert_eq!(world.refused(&OPERATION, run, "", json!({"query": text})).await, 400_004, "{text}");
        }
        for given in ["x-ms-max-item-count:0", "x-ms-max-item-count:many", "x-ms-continuation:AAAA"] {
            assert_eq!(world.refused(&OPERATION, run, given, json!({"query": "SELECT *"})).await, 400_004, "{given}");
        }
    }
}
