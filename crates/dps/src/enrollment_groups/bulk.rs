//! Writes or deletes up to ten enrolment groups. Each succeeds or fails by itself, and the answer is 200 even where all
//! fail.
//!
//! Source: the 2021-10-01 specification and recordings of 2023. Mode `update` replaces only what the item's tag names:
//! an item without one is a conflict where the enrolment is there (recorded). Both data actions are asked for in every
//! mode, as the hub's documented rule for bulk operations has it; see docs/quirks.md.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Right, Service, ServiceError, Support};
use iolite_store::{StoreError, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{delete, put};
use crate::bulk::{self, Mode};
use crate::{Dps, body, entity_tag, errors, versions};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkRequest {
    enrollment_groups: Vec<Box<RawValue>>,
    mode: Mode,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    enrollment_group_id: Option<String>,
    etag: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemError {
    enrollment_group_id: String,
    error_code: u32,
    error_status: String,
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
    let ids = read_ids(&sent)?;
    let service = permit.resource_key();
    let failures = dps
        .store()
        .transact(|transaction| {
            let items = ids.iter().zip(&sent.enrollment_groups);
            let outcomes = items.map(|((id, etag), raw)| {
                let text = raw.get().as_bytes();
                (id, apply(dps, transaction, &service, sent.mode, (id, etag.as_deref(), text), &request.api_version))
            });
            let failed = outcomes.filter_map(|(id, outcome)| outcome.err().map(|error| item_error(id, error)));
            Ok::<_, StoreError>(failed.collect::<Vec<ItemError>>())
        })
        .await?;
    Ok(Answer::ok(&bulk::answer(failures)))
}

fn read_ids(sent: &BulkRequest) -> Result<Vec<(String, Option<String>)>, ServiceError> {
    let items = &sent.enrollment_groups;
    let read = items.iter().map(|raw| {
        let item: Item = body::parse(raw.get().as_bytes())?;
        let id = item
            .enrollment_group_id
            .ok_or_else(|| errors::invalid("enrollmentGroupId", "is required in every item."))?;
        Ok((id, item.etag))
    });
    let ids: Vec<(String, Option<String>)> = read.collect::<Result<_, ServiceError>>()?;
    bulk::check_ids(ids.iter().map(|(id, _)| id.as_str()))?;
    Ok(ids)
}

fn apply(
    dps: &Dps,
    transaction: &mut Transaction<'_>,
    service: &str,
    mode: Mode,
    (id, etag, text): (&str, Option<&str>, &[u8]),
    api_version: &str,
) -> Result<(), ServiceError> {
    let asked = bulk::precondition(mode, entity_tag::parse(etag)?)?;
    match mode {
        Mode::Delete => delete::remove(dps, transaction, service, id, &asked),
        Mode::Create | Mode::Update | Mode::UpdateIfMatchEtag => {
            put::write(dps, transaction, service, put::Sent { id, text, asked: &asked, api_version }).map(drop)
        }
    }
}

fn item_error(id: &str, error: ServiceError) -> ItemError {
    ItemError { enrollment_group_id: id.to_owned(), error_code: error.code.number, error_status: error.message }
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
