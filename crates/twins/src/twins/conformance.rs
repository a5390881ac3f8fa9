//! Whether a twin conforms to its model: every property declared and of its type, every component there.
//!
//! The reasons are worded as recorded (`LowestTemperature does not appear on the DTDL for Twin.`). Which property values
//! are looked into, and how far, stands in the schema's own file.

use serde_json::Value;

use super::shape::{Place, Shape};
use super::{Part, Twin};

/// The longest text a property may hold, in bytes (4 KB; the service's published limit).
const LONGEST_TEXT: usize = 4 * 1024;

/// How deep a property's value may be nested. DTDL stops at five levels; this stands until it is asked, and keeps a record
/// from growing, patch by patch, deeper than can be read back.
const DEEPEST: usize = 32;

/// Every reason why the twin does not conform; none where it does.
pub(super) fn faults(twin: &Twin, shape: &Shape) -> Vec<String> {
    let mut faults = Vec::new();
    check_properties(&twin.root, shape, "Twin", &mut faults);
    for (name, part) in &twin.components {
        match shape.get(name) {
            Some(Place::Component(inner)) => check_properties(part, inner, &format!("component {name}"), &mut faults),
            _ => faults.push(undeclared(name, "Twin")),
        }
    }
    let missing = shape.components().map(|(name, _)| name).filter(|name| !twin.components.contains_key(*name));
    faults.extend(missing.map(|name| format!("Twin is missing the component {name}.")));
    faults
}

fn check_properties(part: &Part, shape: &Shape, holder: &str, faults: &mut Vec<String>) {
    for (name, value) in &part.properties {
        match shape.get(name) {
            None => faults.push(undeclared(name, holder)),
            Some(Place::Other(class)) => faults.push(format!("{name} is not a property - it is a {class}.")),
            Some(Place::Component(_)) => faults.push(format!("{name} on {holder} is a component: expected an object.")),
            Some(Place::Property(schema)) if !schema.accepts(value) => {
                faults.push(format!("Expected value of type {} for {name} on {holder}.", schema.name()));
            }
            Some(Place::Property(_)) if value.as_str().is_some_and(|text| text.len() > LONGEST_TEXT) => {
                faults.push(format!("The text for {name} on {holder} is longer than {LONGEST_TEXT} bytes."));
            }
            Some(Place::Property(_)) if is_deeper(value, DEEPEST) => {
                faults.push(format!("The value for {name} on {holder} is nested deeper than {DEEPEST} levels."));
            }
            Some(Place::Property(_)) => {}
        }
    }
}

fn undeclared(name: &str, holder: &str) -> String {
    format!("{name} does not appear on the DTDL for {holder}.")
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let deeper = |inner: &Value| levels == 0 || is_deeper(inner, levels - 1);
    match value {
        Value::Array(elements) => elements.iter().any(deeper) || levels == 0,
        Value::Object(members) => members.values().any(deeper) || levels == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_arrays_and_objects() {
        let nested =
            |levels: usize| serde_json::from_str(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap();
        assert!(!is_deeper(&Value::Null, 0));
        assert!(!is_deeper(&nested(32), 32));
        assert!(is_deeper(&nested(33), 32));
        assert!(is_deeper(&serde_json::json!({"a": [{}]}), 2) && !is_deeper(&serde_json::json!({"a": [{}]}), 3));
    }
}
