//! A JSON patch of a digital twin, as a merge into the desired properties of the device's twin.
//!
//! Used by `DigitalTwin_UpdateDigitalTwin`. `add` and `replace` set what is desired, `remove` takes it away; what was only
//! reported is not the patch's to remove. Each operation sees what those before it did.

use iolite_kernel::ServiceError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body::Object;
use crate::pnp::names;
use crate::pnp::place::{COMPONENT, MARK, Place, is_component};
use crate::{body, errors};

/// How many operations a patch may have: our own limit, far beyond what a twin of 32 KiB can use.
const MOST_OPERATIONS: usize = 1000;

/// One operation as sent.
#[derive(Debug, Deserialize)]
struct OperationBody {
    op: String,
    path: String,
    #[serde(default, deserialize_with = "there")]
    value: Option<Value>,
}

/// `null` is a value; only what is not sent is none.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a patch does, operation by operation.
#[derive(Debug)]
pub(super) struct Patch(Vec<(Place, Action)>);

#[derive(Debug)]
enum Action {
    Set { value: Value, must_exist: bool },
    Remove,
}

impl Patch {
    /// Reads the operations as sent.
    pub(super) fn read(sent: Vec<Value>) -> Result<Self, ServiceError> {
        if sent.len() > MOST_OPERATIONS {
            let message = format!("The patch has more than {MOST_OPERATIONS} operations.");
            return Err(ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PATCH, message));
        }
        sent.into_iter().map(operation).collect::<Result<_, _>>().map(Self)
    }

    /// The merge into `desired` that does it, for a device that reported `reported`.
    pub(super) fn merge(
        &self,
        desired: &Map<String, Value>,
        reported: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ServiceError> {
        let mut aim = desired.clone();
        for (place, action) in &self.0 {
            apply(&mut aim, reported, place, action)?;
        }
        Ok(difference(desired, &aim))
    }
}

fn operation(sent: Value) -> Result<(Place, Action), ServiceError> {
    let Object(sent) = Object::<OperationBody>::deserialize(sent).map_err(|error| {
        let message = format!("An operation of the patch is not one of a JSON patch: {error}.");
        ServiceError::new(&errors::INVALID_DIGITAL_TWIN_JSON_PATCH, message)
    })?;
    let place = Place::read(&sent.path)?;
    let action = match sent.op.as_str() {
        "remove" => Action::Remove,
        op @ ("add" | "replace") => {
            let missing = || {
                let message = format!("The operation '{op}' has no value.");
                ServiceError::new(&errors::INVALID_DIGITAL_TWIN_JSON_PATCH, message)
            };
            Action::Set { value: checked(&place, sent.value.ok_or_else(missing)?)?, must_exist: op == "replace" }
        }
        other => {
            let message =
                format!("'{}' is no operation on a digital twin; add, replace and remove are.", body::shortened(other));
            return Err(ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PATCH, message));
        }
    };
    Ok((place, action))
}

/// The value as it stands in the twin: a component is sent with an empty `$metadata`, and bears its mark there.
fn checked(place: &Place, value: Value) -> Result<Value, ServiceError> {
    match (place, value) {
        (Place::Root(_), Value::Object(mut fields)) if fields.contains_key("$metadata") => {
            let metadata = fields.remove("$metadata");
            if metadata.and_then(|metadata| metadata.as_object().map(Map::is_empty)) != Some(true) {
                return Err(payload("A component's '$metadata' is not the empty object {}."));
            }
            for (name, value) in &fields {
                if !names::is_name(name) {
                    return Err(payload(&format!("'{}' is no name that DTDL takes.", body::shortened(name))));
                }
                names::check_value(value)?;
            }
            fields.insert(MARK.to_owned(), COMPONENT.into());
            Ok(fields.into())
        }
        (_, Value::Null) => Err(payload("A property takes no null; remove it instead.")),
        (_, value) => {
            names::check_value(&value)?;
            Ok(value)
        }
    }
}

fn apply(
    desired: &mut Map<String, Value>,
    reported: &Map<String, Value>,
    place: &Place,
    action: &Action,
) -> Result<(), ServiceError> {
    match place {
        Place::Root(name) => {
            let was_component = [desired.get(name), reported.get(name)].into_iter().flatten().any(is_component);
            if let Action::Set { value, .. } = action
                && was_component
                && !is_component(value)
            {
                return Err(refuse(format!("'{name}' is a component; its value takes an empty '$metadata'.")));
            }
            write(desired, reported.contains_key(name), name, action)
        }
        Place::Inside(component, name) => {
            for side in [desired.get(component), reported.get(component)].into_iter().flatten() {
                if !is_component(side) {
                    return Err(refuse(format!("'{component}' is a property and no component.")));
                }
            }
            let known = reported.get(component).is_some_and(|component| component.get(name).is_some());
            let mark = || Value::Object(Map::from_iter([(MARK.to_owned(), COMPONENT.into())]));
            let mut inside = desired.get(component).cloned().unwrap_or_else(mark);
            let fields = inside.as_object_mut().ok_or_else(|| refuse(format!("'{component}' is no component.")))?;
            write(fields, known, name, action)?;
            desired.insert(component.clone(), inside);
            Ok(())
        }
    }
}

fn write(fields: &mut Map<String, Value>, is_reported: bool, name: &str, action: &Action) -> Result<(), ServiceError> {
    let exists = fields.contains_key(name);
    match action {
        Action::Remove if !exists => Err(refuse(format!("Nothing is desired of '{name}' that could be removed."))),
        Action::Remove => {
            fields.remove(name);
            Ok(())
        }
        Action::Set { must_exist: true, .. } if !exists && !is_reported => {
            Err(refuse(format!("There is no '{name}' to be replaced.")))
        }
        Action::Set { value, .. } => {
            fields.insert(name.to_owned(), value.clone());
            Ok(())
        }
    }
}

/// The merge that makes `after` of `before`.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let set = after.iter().filter_map(|(name, value)| match (before.get(name), value) {
        (Some(before), value) if before == value => None,
        (Some(Value::Object(before)), Value::Object(after)) => Some((name.clone(), difference(before, after).into())),
        (_, value) => Some((name.clone(), value.clone())),
    });
    gone.chain(set).collect()
}

fn payload(message: &str) -> ServiceError {
    ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PAYLOAD, message)
}

fn refuse(message: String) -> ServiceError {
    ServiceError::new(&errors::INVALID_DIGITAL_TWIN_PATCH, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(patch: Value, desired: Value, reported: Value) -> Result<Value, ServiceError> {
        let (Value::Array(patch), Value::Object(desired), Value::Object(reported)) = (patch, desired, reported) else {
            panic!("a patch is an array, a section an object")
        };
        Patch::read(patch)?.merge(&desired, &reported).map(Value::Object)
    }

    #[test]
    fn what_is_set_is_merged_and_what_is_removed_is_null() {
        let desired = json!({"a": 1, "b": {"x": 1, "y": 2}, "t": {"__t": "c", "speed": 1}});
        let reported = json!({"r": 5, "u": {"__t": "c", "speed": 1}});
        for (patch, expected) in [
            (json!([{"op": "add", "path": "/a", "value": 2}]), json!({"a": 2})),
            (json!([{"op": "replace", "path": "/b", "value": {"x": 1, "z": 3}}]), json!({"b": {"y": null, "z": 3}})),
            (json!([{"op": "remove", "path": "/a"}]), json!({"a": null})),
            (json!([{"op": "replace", "path": "/r", "value": 6}]), json!({"r": 6})),
            (json!([{"op": "add", "path": "/t/speed", "value": 2}]), json!({"t": {"speed": 2}})),
            (json!([{"op": "add", "path": "/u/limit", "value": 2}]), json!({"u": {"__t": "c", "limit": 2}})),
            (json!([{"op": "remove", "path": "/t/speed"}]), json!({"t": {"speed": null}})),
            (
                json!([{"op": "add", "path": "/t", "value": {"limit": 7, "$metadata": {}}}]),
                json!({"t": {"limit": 7, "speed": null}}),
            ),
            (json!([{"op": "add", "path": "/n", "value": 1}, {"op": "remove", "path": "/n"}]), json!({})),
            (json!([]), json!({})),
        ] {
            assert_eq!(merged(patch.clone(), desired.clone(), reported.clone()).unwrap(), expected, "{patch}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_its_own_code() {
        let desired = json!({"a": 1, "t": {"__t": "c", "speed": 1}});
        for (operation, code) in [
            (json!({"op": "move", "from": "/a", "path": "/b"}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "test", "path": "/a", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "add", "path": "/a"}), &errors::INVALID_DIGITAL_TWIN_JSON_PATCH),
            (json!({"path": "/a", "value": 1}), &errors::INVALID_DIGITAL_TWIN_JSON_PATCH),
            (json!("add"), &errors::INVALID_DIGITAL_TWIN_JSON_PATCH),
            (json!({"op": "add", "path": "/$metadata/x", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH_PATH),
            (json!({"op": "add", "path": "/a/b/c", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH_PATH),
            (json!({"op": "remove", "path": "/absent"}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "replace", "path": "/absent", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "add", "path": "/a/b", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "add", "path": "/t", "value": 1}), &errors::INVALID_DIGITAL_TWIN_PATCH),
            (json!({"op": "add", "path": "/a", "value": null}), &errors::INVALID_DIGITAL_TWIN_PAYLOAD),
            (json!({"op": "add", "path": "/a", "value": [1]}), &errors::INVALID_DIGITAL_TWIN_PAYLOAD),
            (
                json!({"op": "add", "path": "/n", "value": {"$metadata": {"x": 1}}}),
                &errors::INVALID_DIGITAL_TWIN_PAYLOAD,
            ),
            (json!({"op": "add", "path": "/n", "value": {"__t": "c"}}), &errors::INVALID_DIGITAL_TWIN_PAYLOAD),
        ] {
            let error = merged(json!([operation]), desired.clone(), json!({})).unwrap_err();
            assert_eq!(error.code, code, "{operation}");
        }
    }
}
