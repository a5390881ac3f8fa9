//! What a change of a twin means to its digital twin: a JSON patch from what it was to what it is.
//!
//! Called for digital-twin-change events. Source: the events that concepts-digital-twin and concepts-developer-guide-service
//! show (2020 to 2023): the metadata of a property come before its value, names in the order of the alphabet, and what is
//! there already is replaced.

use serde_json::{Map, Value, json};

use crate::Twin;
use crate::pnp::view;

/// The patch that makes the digital twin of `after` out of that of `before`; empty where nothing of it changed.
pub(crate) fn patch(before: &Twin, after: &Twin) -> Vec<Value> {
    let (before, after) = (document(before), document(after));
    let mut operations = Vec::new();
    compare("", &before, &after, &mut operations);
    operations
}

/// A digital twin without its id, and without the model that it has not announced.
fn document(twin: &Twin) -> Map<String, Value> {
    let Value::Object(mut fields) = view::digital_twin("", twin) else { return Map::new() };
    fields.remove("$dtId");
    if twin.model_id.is_none()
        && let Some(metadata) = fields.get_mut("$metadata").and_then(Value::as_object_mut)
    {
        metadata.remove("$model");
    }
    fields
}

/// Twins are a few levels deep (their limits say so), and so is this.
fn compare(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, operations: &mut Vec<Value>) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (before.get(name), after.get(name)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => compare(&path, before, after, operations),
            (Some(before), Some(after)) if before == after => {}
            (Some(_), Some(after)) => operations.push(json!({"op": "replace", "path": path, "value": after})),
            (None, Some(after)) => operations.push(json!({"op": "add", "path": path, "value": after})),
            (_, None) => operations.push(json!({"op": "remove", "path": path})),
        }
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::Timestamp;

    use super::*;
    use crate::twin::{Birth, Change, Edit};

    fn at() -> Timestamp {
        "2020-07-17T06:11:04.9309159Z".parse().unwrap()
    }

    fn twin() -> Twin {
        let mut twin = Twin::new(Birth::Device, Map::new(), Map::new(), at()).unwrap();
        twin.model_id = Some("dtmi:com:example:Thermostat;1".into());
        twin
    }

    fn fields(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("not an object") };
        fields
    }

    fn desiring(twin: &Twin, patch: Value) -> Twin {
        let change = Change { tags: Edit::Keep, desired: Edit::Merge(fields(patch)) };
        twin.changed(&change, at()).unwrap()
    }

    fn reporting(twin: &Twin, patch: Value) -> Twin {
        twin.reported_by_device(&fields(patch), at()).unwrap()
    }

    #[test]
    fn what_is_desired_is_told_in_the_metadata_as_documented() {
        let before = reporting(&twin(), json!({"thermostat1": {"__t": "c", "maxTempSinceLastReboot": 67.89}}));
        let after = desiring(&before, json!({"thermostat1": {"__t": "c", "targetTemperature": 21.8}}));
        let expected = json!([{
            "op": "add",
            "path": "/thermostat1/$metadata/targetTemperature",
            "value": {"desiredValue": 21.8, "desiredVersion": 2},
        }]);
        assert_eq!(json!(patch(&before, &after)), expected);
    }

    #[test]
    fn what_a_device_says_to_it_is_told_piece_by_piece_as_documented() {
        let wanted = desiring(&twin(), json!({"thermostat1": {"__t": "c", "targetTemperature": 21.8}}));
        let said = json!({"value": 21.8, "ac": 200, "ad": "done", "av": 2});
        let done = reporting(&wanted, json!({"thermostat1": {"__t": "c", "targetTemperature": said}}));
        let about = "/thermostat1/$metadata/targetTemperature";
        let expected = json!([
            {"op": "add", "path": format!("{about}/ackCode"), "value": 200},
            {"op": "add", "path": format!("{about}/ackDescription"), "value": "done"},
            {"op": "add", "path": format!("{about}/ackVersion"), "value": 2},
            {"op": "add", "path": format!("{about}/lastUpdateTime"), "value": "2020-07-17T06:11:04.9309159Z"},
            {"op": "add", "path": "/thermostat1/targetTemperature", "value": 21.8},
        ]);
        assert_eq!(json!(patch(&wanted, &done)), expected);
    }

    #[test]
    fn what_was_there_is_replaced_and_what_goes_is_removed() {
        let before = reporting(&twin(), json!({"speed": 1, "gone": true}));
        let after = reporting(&before, json!({"speed": 2, "gone": null}));
        let expected = json!([
            {"op": "remove", "path": "/$metadata/gone"},
            {"op": "remove", "path": "/gone"},
            {"op": "replace", "path": "/speed", "value": 2},
        ]);
        assert_eq!(json!(patch(&before, &after)), expected);
    }

    #[test]
    fn tags_are_no_part_of_a_digital_twin_and_an_announced_model_is() {
        let before = Twin { model_id: None, ..twin() };
        let tags = Change { tags: Edit::Merge(fields(json!({"floor": 1}))), desired: Edit::Keep };
        assert!(patch(&before, &before.changed(&tags, at()).unwrap()).is_empty());
        let announced = json!([{"op": "add", "path": "/$metadata/$model", "value": "dtmi:com:example:Thermostat;1"}]);
        assert_eq!(json!(patch(&before, &twin())), announced);
    }
}
