//! Lists the registrations that an enrolment group vouched for, a page at a time. It takes no body.
//!
//! Source: the 2021-10-01 specification; the item type is the recorded one.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};

use crate::registration::Registration;
use crate::{Dps, errors, identifier, paging, versions};

/// The operation. Its `id` is a group's.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Dps,
    name: "DeviceRegistrationState_Query",
    method: Method::Post,
    path: "/registrations/{id}/query",
    versions: versions::SERVICE,
    need: Need::DataPlane {
        actions: &["Microsoft.Devices/provisioningServices/registrationStates/read"],
        rights: &[Right::RegistrationStatusRead],
    },
    support: Support::Served,
    summary: "Lists the registrations that an enrolment group vouched for, a page at a time.",
};

pub(crate) async fn run(dps: &Dps, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let service = permit.resource_key();
    let group = request.param("id");
    if dps.groups.get(&identifier::key(&service, group)).is_none() {
        return Err(errors::enrollment_group_not_found());
    }
    let prefix = format!("{service}/");
    let listing = format!("registrations/{prefix}{}", group.to_ascii_lowercase());
    let vouched = |found: &Registration| {
        found.enrollment_group_id.as_ref().is_some_and(|vouching| vouching.eq_ignore_ascii_case(group))
    };
    let page = paging::page(&request, &dps.registrations, &prefix, &listing, vouched)?;
    let shown: Vec<_> = page.items.iter().map(|found| found.service_view()).collect();
    Ok(paging::answer(&page, &shown, "DeviceRegistration"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{World, json};

    #[tokio::test]
    async fn only_the_groups_own_registrations_are_listed() {
        let world = World::new();
        world.enroll("alone").await;
        world.device(&register::OPERATION, register::run, "alone", "", json!({})).await;
        world.group("fleet").await;
        for id in ["many-1", "many-2"] {
            world.device(&register::OPERATION, register::run, id, "", json!({})).await;
        }
        let listed = world.ok(&OPERATION, run, "id=FLEET", json!(null)).await;
        let ids: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["registrationId"].clone()).collect();
        assert_eq!(ids, ["many-1", "many-2"]);
        assert_eq!(world.refused(&OPERATION, run, "id=nobody", json!(null)).await, 404_204);
    }
}
