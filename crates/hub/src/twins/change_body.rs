//! A twin as a client sends it to change one, and the change itself.
//!
//! Used by PATCH and PUT over device and module twins. Only `tags` and `properties.desired` are a client's to write; what
//! else it repeats (etags, versions, metadata, reported properties) is not read (recorded).

use iolite_kernel::{Answer, Precondition, Request, ServiceError};
use serde_json::{Map, Value};

use crate::registry::Registry;
use crate::twin::{Change, Edit};
use crate::twins::section::Section;
use crate::twins::unset::Unset;
use crate::twins::view::{self, Owner};
use crate::{Hub, body, errors, ids};

/// How what is sent meets what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// PATCH: merged; what is left out stays.
    Merge,
    /// PUT: in its place; what is left out goes.
    Replace,
}

/// Reads the body of a PATCH or PUT.
pub(crate) fn read(request: &Request, manner: Manner) -> Result<Change, ServiceError> {
    let sent: Map<String, Value> = body::object(request)?;
    body::refuse_long_integers(request)?;
    change(&sent, manner)
}

/// Reads a twin that stands inside another body (a scheduled job's).
pub(crate) fn change(sent: &Map<String, Value>, manner: Manner) -> Result<Change, ServiceError> {
    let desired = match body::section(sent, "properties")? {
        Some(properties) => said(properties, "desired")?,
        None => Said::Nothing,
    };
    let desired = match desired {
        Said::Object(desired) => Said::Object(Section::strip(desired)),
        other => other,
    };
    Ok(Change { tags: said(sent, "tags")?.into_edit(manner), desired: desired.into_edit(manner) })
}

/// What a body says about a section.
enum Said {
    Nothing,
    Null,
    Object(Map<String, Value>),
}

fn said(fields: &Map<String, Value>, name: &str) -> Result<Said, ServiceError> {
    if fields.get(name) == Some(&Value::Null) {
        return Ok(Said::Null);
    }
    Ok(body::section(fields, name)?.map_or(Said::Nothing, |section| Said::Object(section.clone())))
}

impl Said {
    /// `null` empties a section, as it removes any other value.
    fn into_edit(self, manner: Manner) -> Edit {
        match (self, manner) {
            (Self::Nothing, Manner::Merge) => Edit::Keep,
            (Self::Object(sent), Manner::Merge) => Edit::Merge(sent),
            (Self::Object(sent), Manner::Replace) => Edit::Replace(sent),
            (Self::Null, _) | (Self::Nothing, Manner::Replace) => Edit::Replace(Map::new()),
        }
    }
}

/// Changes the twin of the device `id` of the path: 200 with the twin.
pub(crate) async fn of_device(hub: &Hub, key: &str, request: &Request, manner: Manner) -> Result<Answer, ServiceError> {
    let precondition = body::if_match(request)?;
    let change = read(request, manner)?;
    let id = request.param("id");
    hub.change(key, |registry| {
        let device = registry.device(id)?;
        write(registry, &ids::device_key(key, id), id, Owner::Device(&device), &precondition, &change)
    })
    .await
}

/// Changes the twin of the module `mid` of the path: 200 with the twin.
pub(crate) async fn of_module(hub: &Hub, key: &str, request: &Request, manner: Manner) -> Result<Answer, ServiceError> {
    let precondition = body::if_match(request)?;
    let change = read(request, manner)?;
    let (device_id, id) = (request.param("id"), request.param("mid"));
    hub.change(key, |registry| {
        let module = registry.module(device_id, id)?;
        let at = ids::module_key(key, device_id, id);
        write(registry, &at, device_id, Owner::Module(&module), &precondition, &change)
    })
    .await
}

fn write(
    registry: &mut Registry<'_, '_>,
    key: &str,
    device_id: &str,
    owner: Owner<'_>,
    precondition: &Precondition,
    change: &Change,
) -> Result<Answer, ServiceError> {
    let current = registry.twin(key).ok_or_else(|| errors::device_not_found(device_id))?;
    if !precondition.holds_for(Some(&current.etag())) {
        return Err(errors::twin_mismatch(device_id));
    }
    let changed = current.changed(change, registry.hub.ground.now())?;
    let answer = view::answer(owner, &changed, registry.hub.presence(key));
    match change {
        Change { tags: Edit::Replace(_), desired: Edit::Replace(_) } => registry.put_replaced_twin(key, changed),
        Change { .. } => registry.put_changed_twin(key, changed, &Unset::by(change)),
    }
    Ok(answer)
}
