//! Applies a JSON Patch to a twin, step by step; used by the twin's PATCH. It does not judge the outcome: the caller checks
//! the patched twin against its model.
//!
//! What can be patched: properties of the twin and of its components, whole or inside their values; whole components; the
//! model (`/$metadata/$model`); source times (`/$metadata/NAME/sourceTime`, also below a component). Sources: the
//! documentation's page on managing twins; reasons as recorded.

use serde_json::{Map, Value};

use super::reading::{self, Writing};
use super::shape::Shape;
use super::{Part, Twin};
use crate::json_patch::{Action, Step, target_not_found, unresolved};
use crate::models::is_date_time;
use crate::versions;

/// The shapes of the twin's model before the patch and after it; the first is missing where that model was deleted.
pub(super) struct Shapes<'a> {
    pub(super) before: Option<&'a Shape>,
    pub(super) after: &'a Shape,
}

/// The model that the patch moves the twin to, where it does.
pub(super) fn new_model(steps: &[Step]) -> Option<&str> {
    steps.iter().rev().find_map(|step| match (&step.action, step.segments.as_slice()) {
        (Action::Add(Value::String(model)) | Action::Replace(Value::String(model)), [metadata, name])
            if metadata == "$metadata" && name == "$model" =>
        {
            Some(model.as_str())
        }
        _ => None,
    })
}

/// Applies all steps, or says why one of them cannot be. The twin is left half patched then, and must be thrown away.
pub(super) fn apply(twin: &mut Twin, steps: &[Step], shapes: &Shapes<'_>, at: &Writing<'_>) -> Result<(), String> {
    for step in steps {
        let [first, rest @ ..] = step.segments.as_slice() else { return Err(unresolved(&step.path)) };
        let names_component = twin.components.contains_key(first)
            || shapes.after.has_component(first)
            || shapes.before.is_some_and(|shape| shape.has_component(first));
        match rest {
            [] if names_component => whole_component(twin, first, &step.action, at)?,
            [_, ..] if names_component => {
                let part = twin.components.get_mut(first).ok_or_else(|| unresolved(&step.path))?;
                within(part, rest, step, at)?;
            }
            [name] if first == "$metadata" && name == "$model" => change_model(twin, step)?,
            _ => within(&mut twin.root, &step.segments, step, at)?,
        }
    }
    twin.root.changed_at = at.now;
    twin.etag = at.etag;
    Ok(())
}

fn change_model(twin: &mut Twin, step: &Step) -> Result<(), String> {
    match &step.action {
        Action::Add(Value::String(model)) | Action::Replace(Value::String(model)) => {
            twin.model.clone_from(model);
            Ok(())
        }
        Action::Remove => Err("$model cannot be removed: a twin has a model".to_owned()),
        _ => Err("$model has to be the id of a model".to_owned()),
    }
}

fn whole_component(twin: &mut Twin, name: &str, action: &Action, at: &Writing<'_>) -> Result<(), String> {
    let is_there = twin.components.contains_key(name);
    match action {
        Action::Replace(_) | Action::Remove if !is_there => Err(not_on_component(name)),
        Action::Remove => {
            twin.components.remove(name);
            Ok(())
        }
        Action::Add(Value::Object(members)) | Action::Replace(Value::Object(members)) => {
            let mut faults = Vec::new();
            let part = reading::component(name, members, at, &mut faults);
            twin.components.insert(name.to_owned(), part);
            faults.into_iter().next().map_or(Ok(()), Err)
        }
        _ => Err(format!("{name} is a component: its value has to be an object")),
    }
}

/// A step below the twin or one of its components.
fn within(part: &mut Part, segments: &[String], step: &Step, at: &Writing<'_>) -> Result<(), String> {
    match segments {
        [metadata, name, leaf] if metadata == "$metadata" && leaf == "sourceTime" => source_time(part, name, step, at),
        [system, ..] if system.starts_with('$') => Err(format!("{} cannot be changed", step.path)),
        [name] => property(part, name, &step.action, at),
        [name, inner @ ..] => {
            let value = part.properties.get_mut(name).ok_or_else(|| unresolved(&step.path))?;
            inside(value, inner, step)?;
            part.stamp(name, at.now);
            Ok(())
        }
        [] => Err(unresolved(&step.path)),
    }
}

fn property(part: &mut Part, name: &str, action: &Action, at: &Writing<'_>) -> Result<(), String> {
    match action {
        Action::Replace(_) | Action::Remove if !part.properties.contains_key(name) => {
            return Err(not_on_component(name));
        }
        Action::Add(value) | Action::Replace(value) => {
            part.properties.insert(name.to_owned(), value.clone());
            part.stamp(name, at.now);
        }
        Action::Remove => {
            part.properties.remove(name);
            part.stamps.remove(name);
            part.changed_at = at.now;
        }
    }
    Ok(())
}

/// The reason for a property that is to be replaced or removed and has no value; the service says so of the twin itself
/// too (seen in several users' reports).
fn not_on_component(name: &str) -> String {
    format!("{name} does not exist on component")
}

fn source_time(part: &mut Part, name: &str, step: &Step, at: &Writing<'_>) -> Result<(), String> {
    if !versions::shows_update_times(at.api_version) {
        return Err(format!("{} can be changed from api-version 2022-05-31 on", step.path));
    }
    let stamp = part.stamps.get_mut(name).ok_or_else(|| not_on_component(name))?;
    stamp.source_time = match &step.action {
        Action::Add(Value::String(text)) | Action::Replace(Value::String(text)) if is_date_time(text) => {
            Some(text.clone())
        }
        Action::Remove if stamp.source_time.is_none() => return Err(target_not_found("sourceTime")),
        Action::Remove => None,
        _ => return Err(format!("The sourceTime of {name} has to be an ISO 8601 date and time")),
    };
    part.changed_at = at.now;
    Ok(())
}

/// A step inside a property's value: RFC 6902 on objects and arrays.
fn inside(value: &mut Value, segments: &[String], step: &Step) -> Result<(), String> {
    let [walked @ .., last] = segments else { return Err(unresolved(&step.path)) };
    let mut holder = value;
    for segment in walked {
        holder = child(holder, segment).ok_or_else(|| unresolved(&step.path))?;
    }
    match holder {
        Value::Object(members) => in_object(members, last, &step.action),
        Value::Array(elements) => in_array(elements, last, &step.action),
        _ => Err(unresolved(&step.path)),
    }
}

fn child<'a>(holder: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    match holder {
        Value::Object(members) => members.get_mut(segment),
        Value::Array(elements) => elements.get_mut(segment.parse::<usize>().ok()?),
        _ => None,
    }
}

fn in_object(members: &mut Map<String, Value>, name: &str, action: &Action) -> Result<(), String> {
    match action {
        Action::Replace(_) | Action::Remove if !members.contains_key(name) => return Err(target_not_found(name)),
        Action::Add(value) | Action::Replace(value) => drop(members.insert(name.to_owned(), value.clone())),
        Action::Remove => drop(members.remove(name)),
    }
    Ok(())
}

fn in_array(elements: &mut Vec<Value>, segment: &str, action: &Action) -> Result<(), String> {
    let index = if segment == "-" { Some(elements.len()) } else { segment.parse::<usize>().ok() };
    match (action, index) {
        (Action::Add(value), Some(index)) if index <= elements.len() => elements.insert(index, value.clone()),
        (Action::Replace(value), Some(index)) if index < elements.len() => elements[index] = value.clone(),
        (Action::Remove, Some(index)) if index < elements.len() => drop(elements.remove(index)),
        _ => return Err(target_not_found(segment)),
    }
    Ok(())
}
