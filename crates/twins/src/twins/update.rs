//! `DigitalTwins_Update`: changes a twin by a JSON Patch.
//!
//! Source: the data-plane specification 2023-10-31; the documentation's page on managing twins; refusals as recorded.

use iolite_access::Permit;
use iolite_kernel::{Answer, Method, Need, Operation, Request, Service, ServiceError, Support};
use iolite_store::Transaction;

use super::apply::{self, Shapes};
use super::reading::Writing;
use super::shape::Shape;
use super::{Twin, conformance, id_in_path};
use crate::json_patch::{PatchBody, Step};
use crate::payload::LARGEST_TWIN;
use crate::precondition::IfMatch;
use crate::{Twins, errors, versions};

/// The operation.
pub const OPERATION: Operation = Operation {
    service: Service::Twins,
    name: "DigitalTwins_Update",
    method: Method::Patch,
    path: "/digitaltwins/{id}",
    versions: versions::ALL,
    need: Need::DataPlane { actions: &["Microsoft.DigitalTwins/digitaltwins/write"], rights: &[] },
    support: Support::Served,
    summary: "Changes a twin by a JSON Patch.",
};

/// Runs it: 204 with the new `ETag`.
pub async fn run(service: &Twins, permit: Permit, request: Request) -> Result<Answer, ServiceError> {
    let id = id_in_path(&request)?;
    let if_match = IfMatch::read(&request)?;
    let patch = PatchBody::read(&request)?;
    let instance = permit.resource_key();
    let at = Writing { now: service.ground.now(), etag: service.ground.uuid(), api_version: &request.api_version };
    let tag = service
        .store
        .transact(|transaction| {
            let key = Twins::key(&instance, id);
            let twin = transaction.get(&service.twins, &key).ok_or_else(|| errors::twin_not_found(id))?;
            if_match.check(twin.etag)?;
            let steps = patch.steps()?;
            if steps.is_empty() {
                return Ok(twin.entity_tag());
            }
            let patched = patched(service, transaction, &instance, &twin, &steps, &at)?;
            let tag = patched.entity_tag();
            transaction.put(&service.twins, &key, patched);
            Ok::<_, ServiceError>(tag)
        })
        .await?;
    Ok(Answer::no_content().with_header("etag", tag))
}

/// The twin after all steps, which conforms to its model.
fn patched(
    service: &Twins,
    transaction: &Transaction<'_>,
    instance: &str,
    twin: &Twin,
    steps: &[Step],
    at: &Writing<'_>,
) -> Result<Twin, ServiceError> {
    let find = |id: &str| transaction.get(&service.models, &Twins::key(instance, id));
    let model = apply::new_model(steps).unwrap_or(&twin.model);
    let after = Shape::of(model, &find).ok_or_else(|| errors::model_missing(model))?;
    if model != twin.model && find(model).is_some_and(|model| model.decommissioned) {
        return Err(errors::model_decommissioned(model));
    }
    let before = if model == twin.model { None } else { Shape::of(&twin.model, &find) };
    let mut patched = twin.clone();
    let shapes = Shapes { before: before.as_ref(), after: &after };
    apply::apply(&mut patched, steps, &shapes, at).map_err(|reason| errors::json_patch_invalid(&reason))?;
    let faults = conformance::faults(&patched, &after);
    if !faults.is_empty() {
        return Err(errors::validation_failed(&faults));
    }
    let size = patched.size();
    if size > LARGEST_TWIN {
        let text = format!("The twin would have {size} bytes, more than the {LARGEST_TWIN} that it may have.");
        return Err(ServiceError::new(&errors::LIMIT_EXCEEDED, text));
    }
    Ok(patched)
}

#[cfg(test)]
mod tests;
