//! How an enrolment is written and removed, one or up to ten at a time: the same for individual ones and for groups.
//!
//! Called by the operations of both, each with its own kind. Who may do it is decided before.

use iolite_access::Permit;
use iolite_kernel::{Answer, ErrorCode, Precondition, Request, ServiceError};
use iolite_store::{Record, StoreError, Table, Transaction};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Terms;
use crate::bulk::{self, Mode};
use crate::{Dps, allocation, body, entity_tag, errors, identifier};

/// What the two kinds of enrolment differ in.
pub(crate) trait Enrollment: Record + Clone {
    /// The JSON member that holds its id.
    const ID: &'static str;
    /// How the service says that it is there already.
    const CONFLICT: (&'static ErrorCode, &'static str);

    /// Where they are kept.
    fn table(dps: &Dps) -> &Table<Self>;

    /// The enrolment as `sent`, over the `current` one.
    fn accept(sent: Sent<'_>, current: Option<&Self>, dps: &Dps) -> Result<Self, ServiceError>;

    /// What both kinds have.
    fn terms(&self) -> &Terms;

    /// That it is not there.
    fn missing() -> ServiceError;

    /// Forgets the registrations that the enrolment `id` of `service` vouched for.
    fn forget_registrations(dps: &Dps, transaction: &mut Transaction<'_>, service: &str, id: &str);
}

/// An enrolment to be written.
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

/// Makes the enrolment that `request` names, or replaces the one that its `If-Match` names.
pub(crate) async fn put<E: Enrollment>(dps: &Dps, permit: &Permit, request: &Request) -> Result<E, ServiceError> {
    body::require(request)?;
    let asked = entity_tag::if_match(request)?;
    let service = permit.resource_key();
    let sent = Sent { id: request.param("id"), text: &request.body, asked: &asked, api_version: &request.api_version };
    dps.store().transact(|transaction| write(dps, transaction, &service, sent)).await
}

/// Removes the enrolment that `request` names.
pub(crate) async fn delete<E: Enrollment>(dps: &Dps, permit: &Permit, request: &Request) -> Result<(), ServiceError> {
    let asked = entity_tag::if_match(request)?;
    let service = permit.resource_key();
    let id = request.param("id");
    dps.store().transact(|transaction| remove::<E>(dps, transaction, &service, id, &asked)).await
}

/// Does `mode` with every one of `items`: each succeeds or fails by itself, unless the list is no good as a whole.
pub(crate) async fn many<E: Enrollment>(
    dps: &Dps,
    permit: &Permit,
    request: &Request,
    (mode, items): (Mode, &[Box<RawValue>]),
) -> Result<Answer, ServiceError> {
    let read = items.iter().map(|item| Item::read::<E>(item.get()));
    let items: Vec<Item<'_>> = read.collect::<Result<_, _>>()?;
    bulk::check_ids(items.iter().map(|item| &*item.id))?;
    let service = permit.resource_key();
    let failures = dps
        .store()
        .transact(|transaction| {
            let mut failures = Vec::new();
            for item in &items {
                if let Err(error) = item.apply::<E>(dps, transaction, &service, mode, &request.api_version) {
                    failures.push(item.failure::<E>(error));
                }
            }
            Ok::<_, StoreError>(failures)
        })
        .await?;
    Ok(Answer::ok(&bulk::answer(failures)))
}

fn write<E: Enrollment>(
    dps: &Dps,
    transaction: &mut Transaction<'_>,
    service: &str,
    sent: Sent<'_>,
) -> Result<E, ServiceError> {
    dps.require(transaction, service)?;
    let key = identifier::key(service, sent.id);
    let current = transaction.get(E::table(dps), &key);
    let current = current.as_ref().map(|found| &*found.value);
    let written = E::accept(sent, current, dps)?;
    allocation::check_linked(dps, service, &written.terms().settings)?;
    let tag = current.map(|current| current.terms().etag.as_str());
    entity_tag::admit_write(sent.asked, tag, E::CONFLICT, E::missing)?;
    transaction.put(E::table(dps), &key, written.clone());
    Ok(written)
}

fn remove<E: Enrollment>(
    dps: &Dps,
    transaction: &mut Transaction<'_>,
    service: &str,
    id: &str,
    asked: &Precondition,
) -> Result<(), ServiceError> {
    let key = identifier::key(service, id);
    let current = transaction.get(E::table(dps), &key);
    let tag = current.as_ref().map(|found| found.terms().etag.as_str());
    entity_tag::admit_delete(asked, tag, E::missing)?;
    transaction.delete(E::table(dps), &key);
    E::forget_registrations(dps, transaction, service, id);
    Ok(())
}

/// One item of a bulk operation.
struct Item<'a> {
    id: String,
    etag: Option<String>,
    text: &'a str,
}

/// What is read of an item before it is looked at whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Heading {
    registration_id: Option<String>,
    enrollment_group_id: Option<String>,
    etag: Option<String>,
}

impl<'a> Item<'a> {
    fn read<E: Enrollment>(text: &'a str) -> Result<Self, ServiceError> {
        let heading: Heading = body::parse(text.as_bytes())?;
        let ids = [("registrationId", heading.registration_id), ("enrollmentGroupId", heading.enrollment_group_id)];
        let id = ids.into_iter().find_map(|(member, id)| id.filter(|_| member == E::ID));
        let id = id.ok_or_else(|| errors::invalid(E::ID, "is required in every item."))?;
        Ok(Self { id, etag: heading.etag, text })
    }

    fn apply<E: Enrollment>(
        &self,
        dps: &Dps,
        transaction: &mut Transaction<'_>,
        service: &str,
        mode: Mode,
        api_version: &str,
    ) -> Result<(), ServiceError> {
        let asked = bulk::precondition(mode, entity_tag::parse(self.etag.as_deref())?)?;
        if mode == Mode::Delete {
            return remove::<E>(dps, transaction, service, &self.id, &asked);
        }
        let sent = Sent { id: &self.id, text: self.text.as_bytes(), asked: &asked, api_version };
        write::<E>(dps, transaction, service, sent).map(drop)
    }

    fn failure<E: Enrollment>(&self, error: ServiceError) -> Value {
        json!({E::ID: self.id, "errorCode": error.code.number, "errorStatus": error.message})
    }
}
