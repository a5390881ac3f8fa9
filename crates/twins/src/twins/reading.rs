//! Makes a twin of the body of a PUT, and a component of the value that a patch puts in its place.
//!
//! It tells apart what belongs to the twin itself, what to its components and what is metadata; whether the values conform
//! to the model is judged afterwards.

use std::collections::BTreeMap;

use iolite_kernel::{ServiceError, Timestamp, Uuid};
use serde_json::{Map, Value};

use super::shape::Shape;
use super::{Part, Twin};
use crate::models::is_date_time;
use crate::{errors, versions};

/// The id of the model that the body names.
pub(super) fn model_named(body: &Map<String, Value>) -> Result<&str, ServiceError> {
    let model = body.get("$metadata").and_then(|metadata| metadata.get("$model"));
    model.and_then(Value::as_str).ok_or_else(|| {
        errors::validation_failed(&["Twin is missing $metadata.$model, the id of its model.".to_owned()])
    })
}

/// The twin that the body describes; members that do not belong where they stand are refused, all at once.
pub(super) fn twin(id: &str, body: &Map<String, Value>, shape: &Shape, at: &Writing<'_>) -> Result<Twin, ServiceError> {
    check_id(id, body)?;
    let model = model_named(body)?.to_owned();
    let mut faults = Vec::new();
    let mut components = BTreeMap::new();
    let own = body.iter().filter(|(name, _)| !matches!(name.as_str(), "$dtId" | "$etag"));
    let mut root = Map::new();
    for (name, value) in own {
        match value {
            Value::Object(members) if shape.has_component(name) => {
                components.insert(name.clone(), component(name, members, at, &mut faults));
            }
            value => drop(root.insert(name.clone(), value.clone())),
        }
    }
    let root = part(&root, at, &mut faults);
    if faults.is_empty() {
        Ok(Twin { id: id.to_owned(), etag: at.etag, model, root, components })
    } else {
        Err(errors::validation_failed(&faults))
    }
}

/// The component that `members` describe. The service wants its `$metadata`, be it empty: the .NET SDK's authors saw a
/// component without it refused.
pub(super) fn component(name: &str, members: &Map<String, Value>, at: &Writing<'_>, faults: &mut Vec<String>) -> Part {
    if !members.get("$metadata").is_some_and(Value::is_object) {
        faults.push(format!("The component {name} is missing $metadata, which may be empty."));
    }
    part(members, at, faults)
}

/// What a write goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    /// Now.
    pub(super) now: Timestamp,
    /// The twin's new tag.
    pub(super) etag: Uuid,
    /// The api-version of the request.
    pub(super) api_version: &'a str,
}

fn check_id(id: &str, body: &Map<String, Value>) -> Result<(), ServiceError> {
    match body.get("$dtId") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(given)) if given == id || given.is_empty() => Ok(()),
        Some(given) => {
            let text = format!("The $dtId {given} of the body is not the ID {id} of the path.");
            Err(ServiceError::new(&errors::INVALID_ARGUMENT, text))
        }
    }
}

/// Properties are every member but `$metadata`, out of which only the source times are the caller's to write.
fn part(members: &Map<String, Value>, at: &Writing<'_>, faults: &mut Vec<String>) -> Part {
    let mut part = Part::empty(at.now);
    for (name, value) in members.iter().filter(|(name, _)| *name != "$metadata") {
        part.properties.insert(name.clone(), value.clone());
        part.stamp(name, at.now);
    }
    if !versions::shows_update_times(at.api_version) {
        return part;
    }
    let metadata = members.get("$metadata").and_then(Value::as_object);
    for (name, about) in metadata.into_iter().flatten() {
        let Some(source_time) = about.get("sourceTime") else { continue };
        match (part.stamps.get_mut(name), source_time.as_str()) {
            (Some(stamp), Some(text)) if is_date_time(text) => stamp.source_time = Some(text.to_owned()),
            (None, _) => faults.push(format!("$metadata has a sourceTime for {name}, which has no value.")),
            _ => faults.push(format!("The sourceTime of {name} is no ISO 8601 date and time.")),
        }
    }
    part
}
