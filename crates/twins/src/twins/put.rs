//! `DigitalTwins_Add`: makes a twin, or puts another in its place.
//!
//! Source: the data-plane specification 2023-10-31; answers and refusals as recorded (200 both for a new twin and for one
//! replaced; every property gets a new time).

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_store::Transaction;
use serde_json::{Map, Value};

use super::reading::{self, Writing};
use super::shape::Shape;
use super::{MOST_TWINS, Twin, conformance, document::Document, id_in_path};
use crate::{Twins, errors, payload, precondition, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_Add",
    method: Method::Put,
    path: "/digitaltwins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/write"], rights: &[] },
    support: Support::Served,
    summary: "Adds a twin, or replaces it.",
};

/// Runs it: 200 with the twin and its `ETag`.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let must_be_new = precondition::wants_nothing_there(&request)?;
    let body = payload::object(&request)?;
    let instance = permit.resource_key();
    let at = Writing { now: service.ground.now(), etag: service.ground.uuid(), api_version: &request.api_version };
    let twin = service
        .store
        .transact(|transaction| {
            let key = Twins::key(&instance, id);
            let present = transaction.get(&service.twins, &key);
            if must_be_new && present.is_some() {
                let text = format!("If-None-Match: * was sent, and a twin with the id {id} was found.");
                return Err(ServiceError::new(&errors::PRECONDITION_FAILED, text));
            }
            let twin = conforming(service, transaction, &instance, id, &body, present.as_deref(), &at)?;
            if present.is_none() && transaction.count(&service.twins, &Twins::key(&instance, "")) >= MOST_TWINS {
                let text = format!("The instance holds {MOST_TWINS} twins, which is the most.");
                return Err(ServiceError::new(&errors::TWIN_LIMIT_REACHED, text));
            }
            transaction.put(&service.twins, &key, twin.clone());
            Ok(twin)
        })
        .await?;
    Ok(Answer::ok(&Document::new(&twin, &request.api_version)).with_header("etag", twin.entity_tag()))
}

/// The twin that the body describes, which conforms to a model that may be used for it.
fn conforming(
    service: &Twins,
    transaction: &Transaction<'_>,
    instance: &str,
    id: &str,
    body: &Map<String, Value>,
    present: Option<&Twin>,
    at: &Writing<'_>,
) -> Result<Twin, ServiceError> {
    let find = |id: &str| transaction.get(&service.models, &Twins::key(instance, id));
    let model = reading::model_named(body)?;
    let shape = Shape::of(model, &find).ok_or_else(|| errors::model_missing(model))?;
    let stays = present.is_some_and(|twin| twin.model == model);
    if !stays && find(model).is_some_and(|model| model.decommissioned) {
        return Err(errors::model_decommissioned(model));
    }
    let twin = reading::twin(id, body, &shape, at)?;
    let faults = conformance::faults(&twin, &shape);
    if faults.is_empty() { Ok(twin) } else { Err(errors::validation_failed(&faults)) }
}

#[cfg(test)]
mod tests;
